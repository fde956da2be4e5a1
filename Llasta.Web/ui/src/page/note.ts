import { button, el, showText } from "../dom/element.ts";

export interface NoteAction {
  readonly label: string;
  readonly run: () => void;
}

/** The note under an answer: why it is incomplete or what it waits for, and what to do. */
export interface Note {
  readonly tone: "quiet" | "problem";
  readonly text: string;
  /** The server's own sentence, or a hint. */
  readonly detail?: string | undefined;
  /** A time that passes; screen readers don't hear it. */
  readonly time?: string | undefined;
  readonly actions?: readonly NoteAction[];
}

/** Shows a note. A note that only changes its time keeps its buttons, and with them the reader's focus. */
export class NoteView {
  readonly element = el("div", { className: "note", hidden: true });
  readonly #text = el("p");
  readonly #time = el("span", { className: "time", "aria-hidden": "true" });
  readonly #actions = el("div", { className: "actions" });
  #note: Note | undefined;

  constructor() {
    this.element.append(this.#text, this.#time, this.#actions);
  }

  show(note: Note | undefined): void {
    const old = this.#note;
    this.#note = note;
    this.element.hidden = !note;
    if (!note) return;
    if (note.tone !== old?.tone) this.element.className = `note ${note.tone}`;
    if (note.text !== old?.text || note.detail !== old.detail)
      this.#text.replaceChildren(note.text, ...(note.detail ? [el("span", { className: "detail", dir: "auto" }, note.detail)] : []));
    showText(this.#time, note.time ?? "");
    const labels = (of: Note | undefined) => (of?.actions ?? []).map(({ label }) => label).join("\n");
    if (labels(note) === labels(old)) return;
    this.#actions.replaceChildren(
      ...(note.actions ?? []).map(({ label }, i) => button(undefined, label, () => this.#note?.actions?.[i]?.run())),
    );
  }
}
