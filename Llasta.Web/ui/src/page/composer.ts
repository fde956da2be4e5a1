import type { Words } from "../words/index.ts";
import { button, el, icon } from "../dom/element.ts";
import type { Gauge } from "./gauge.ts";

export interface ComposerActions {
  readonly send: (message: string) => void;
  readonly stop: () => void;
  readonly thinking: (on: boolean) => void;
  /** The message was edited. */
  readonly typed: () => void;
}

/** The form where a message is written and sent, and a turn is stopped. */
export class Composer {
  readonly element: HTMLFormElement;
  readonly #words: Words;
  readonly #actions: ComposerActions;
  readonly #box: HTMLTextAreaElement;
  readonly #submit = el("button", { type: "submit", className: "submit" });
  readonly #notice = el("p", { className: "notice", hidden: true });
  readonly #editing: HTMLElement;
  #running = false;
  /** The draft that was in the box before editing started. */
  #aside: string | undefined;

  constructor(words: Words, gauge: Gauge, thinking: boolean, actions: ComposerActions) {
    this.#words = words;
    this.#actions = actions;
    this.#box = el("textarea", { id: "message", rows: 1, ariaLabel: words.message, placeholder: words.messageHint, enterKeyHint: "send" });
    const think = button("think", words.think, () => {
      const on = think.ariaPressed !== "true";
      think.ariaPressed = String(on);
      actions.thinking(on);
    });
    think.classList.add("think");
    think.ariaPressed = String(thinking);
    this.#editing = el(
      "div",
      { className: "editing", hidden: true },
      el("p", {}, words.editing),
      button(undefined, words.cancel, () => this.#cancelEdit()),
    );
    this.element = el(
      "form",
      { className: "composer" },
      this.#notice,
      this.#editing,
      el("div", { className: "sheet" }, this.#box, el("div", { className: "bar" }, think, gauge.element, this.#submit)),
    );
    this.#box.addEventListener("input", () => {
      this.#fit();
      this.#showSubmit();
      actions.typed();
    });
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    // The second click of a double click on Send must not stop the turn that the first click started.
    this.#submit.addEventListener("click", (event) => {
      if (!this.#running) return;
      event.preventDefault();
      if (event.detail <= 1) this.#actions.stop();
    });
    this.running = false;
  }

  get draft(): string {
    return this.#box.value;
  }

  get isEditing(): boolean {
    return this.#aside !== undefined;
  }

  set running(running: boolean) {
    if (running !== this.#running || !this.#submit.hasChildNodes()) {
      const label = running ? this.#words.stop : this.#words.send;
      this.#submit.replaceChildren(icon(running ? "stop" : "send"));
      this.#submit.ariaLabel = label;
      this.#submit.title = label;
      this.#submit.classList.toggle("stop", running);
    }
    this.#running = running;
    this.#showSubmit();
  }

  set hint(hint: string) {
    this.#box.placeholder = hint;
  }

  /** Shows why a message was returned, until the next one is sent. */
  notify(text: string, isProblem: boolean): void {
    this.#notice.hidden = text === "";
    this.#notice.textContent = text;
    this.#notice.classList.toggle("problem", isProblem);
  }

  focus(): void {
    this.#box.focus();
  }

  blur(): void {
    this.#box.blur();
  }

  /** Returns a message to the box, before any text written in the meantime. Its exchange is gone, so editing ends. */
  giveBack(message: string): void {
    const pieces = [message, this.#box.value, this.#aside ?? ""].filter((text) => text.trim());
    this.#editing.hidden = true;
    this.#aside = undefined;
    this.#set([...new Set(pieces)].join("\n\n"));
  }

  /** Puts a message into the box for editing; the draft returns afterwards. */
  edit(message: string): void {
    this.#aside ??= this.#box.value;
    this.#editing.hidden = false;
    this.#set(message);
    this.focus();
  }

  /** Ends editing and restores the draft. */
  endEdit(): void {
    this.#editing.hidden = true;
    this.#set(this.#aside ?? "");
    this.#aside = undefined;
  }

  #cancelEdit(): void {
    this.endEdit();
    this.focus();
  }

  #key(event: KeyboardEvent): void {
    // 229: the key belongs to an input method, even if isComposing is already false (Safari).
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape") {
      if (this.#running) this.#actions.stop();
      else if (this.isEditing) this.#cancelEdit();
    }
  }

  #send(): void {
    const message = this.#box.value.trim();
    if (!message || this.#running) return;
    this.#actions.send(message);
  }

  /** The message was sent. */
  clear(): void {
    this.#set("");
  }

  #set(text: string): void {
    this.#box.value = text;
    this.#fit();
    this.#showSubmit();
  }

  #showSubmit(): void {
    this.#submit.ariaDisabled = String(!this.#running && !this.#box.value.trim());
  }

  /** Fits the box to its text in browsers without field-sizing. */
  #fit(): void {
    if (CSS.supports("field-sizing", "content")) return;
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}
