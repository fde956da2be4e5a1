import { type Draft, draftOf, isBlank, isSameDraft } from "../conversation/draft.ts";
import { button, el, icon } from "../dom/element.ts";
import { fitToText } from "../dom/fitToText.ts";
import type { ChatClient } from "../turn/client.ts";
import type { Words } from "../words/index.ts";
import { Attachments } from "./attachments.ts";
import type { Gauge } from "./gauge.ts";
import { hasKeyboard, hasTouchKeyboard, isComposing } from "./keyboard.ts";
import { isLongPaste, isNamesOf, withLineFeeds } from "./textFile.ts";

export interface ComposerActions {
  readonly send: (draft: Draft) => void;
  readonly stop: () => void;
  readonly thinking: (on: boolean) => void;
  /** The draft was edited. */
  readonly changed: () => void;
  /** Edit the last question. */
  readonly editLast: () => void;
  /** Take the queued message back into the box. */
  readonly unqueue: () => void;
}

/** The form where a message is written and sent, and a turn is stopped. */
export class Composer {
  readonly element: HTMLFormElement;
  readonly #words: Words;
  readonly #actions: ComposerActions;
  readonly #box: HTMLTextAreaElement;
  readonly #attachments: Attachments;
  readonly #submit = el("button", { type: "submit", className: "submit" });
  /** Queues the message, where Stop has the place of Send and a touch keyboard's Enter is a new line. */
  readonly #enqueue: HTMLButtonElement;
  readonly #notice = el("p", { className: "notice", hidden: true });
  readonly #editing: HTMLElement;
  readonly #think: HTMLElement;
  readonly #queued = el("p");
  readonly #queue: HTMLElement;
  #running = false;
  /** How many times files were chosen that are still being read. A message that is sent meanwhile is due when they are read. */
  #reading = 0;
  #isDue = false;
  /** The exchange whose question is being edited. */
  #edited: number | undefined;
  /** Its question, as it was before. */
  #original = draftOf("");
  /** The draft that was in the box before editing started. */
  #aside = draftOf("");

  /** Whether the thinking switch does something with the model; otherwise it is hidden. */
  set canThink(can: boolean) {
    this.#think.hidden = !can;
  }

  constructor(client: ChatClient, words: Words, gauge: Gauge, thinking: boolean, actions: ComposerActions) {
    this.#words = words;
    this.#actions = actions;
    this.#box = el("textarea", {
      id: "message",
      rows: 1,
      ariaLabel: words.message,
      placeholder: words.messageHint,
      enterKeyHint: hasTouchKeyboard() ? "enter" : "send",
      dir: "auto",
    });
    this.#attachments = new Attachments(client, words, {
      changed: () => this.#changed(),
      removed: () => {
        if (hasKeyboard()) this.focus();
      },
    });
    const think = button("think", words.think, () => {
      const on = think.ariaPressed !== "true";
      think.ariaPressed = String(on);
      actions.thinking(on);
    });
    this.#think = think;
    think.classList.add("think");
    think.ariaPressed = String(thinking);
    const files = el("input", { type: "file", multiple: true, hidden: true });
    files.addEventListener("change", () => {
      void this.attach([...(files.files ?? [])]);
      files.value = "";
    });
    this.#editing = el(
      "div",
      { className: "editing", hidden: true },
      el("p", {}, words.editing),
      button(undefined, words.cancel, () => this.cancelEdit()),
    );
    this.#enqueue = button("send", words.enqueue, () => this.#send(), true);
    this.#queue = el(
      "div",
      { className: "editing queued", hidden: true },
      this.#queued,
      button(undefined, words.edit, () => actions.unqueue()),
    );
    this.element = el(
      "form",
      { className: "composer" },
      this.#notice,
      this.#queue,
      this.#editing,
      el(
        "div",
        { className: "sheet" },
        this.#attachments.element,
        this.#box,
        el(
          "div",
          { className: "bar" },
          button("attach", words.attach, () => files.click(), true),
          think,
          files,
          el("div", { className: "end" }, gauge.element, this.#enqueue, this.#submit),
        ),
      ),
    );
    this.#box.addEventListener("input", () => {
      this.#isDue = false;
      this.#changed();
    });
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#box.addEventListener("paste", (event) => this.#paste(event));
    // In the next frame: it changes the size of the element that is observed.
    new ResizeObserver(() => requestAnimationFrame(() => fitToText(this.#box))).observe(this.#box.parentElement!);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    // The first click of a double click turns Send into Stop, and Stop into Send: the second one isn't meant for that.
    this.#submit.addEventListener("click", (event) => {
      const isSecond = event.detail > 1;
      if (isSecond || this.#running) event.preventDefault();
      if (!isSecond && this.#running) this.#actions.stop();
    });
    this.running = false;
  }

  get draft(): Draft {
    // Blank lines around the message go; the indentation of its first line stays.
    return draftOf(this.#box.value.replace(/^\s*\n/, "").trimEnd(), this.#attachments.all);
  }

  /** The exchange whose question is being edited. */
  get edited(): number | undefined {
    return this.#edited;
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

  set queued(draft: Draft | undefined) {
    this.#queue.hidden = !draft;
    if (draft)
      this.#queued.textContent = `${this.#words.queuedMessage} ${draft.text || draft.attachments.map(({ name }) => name).join(", ")}`;
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

  async attach(files: readonly File[]): Promise<void> {
    this.#reading++;
    const problem = await this.#attachments.addFiles(files).finally(() => this.#reading--);
    if (problem) {
      this.#isDue = false;
      this.notify(problem, true);
    } else if (this.#isDue) this.#send();
  }

  /** Returns a message to the box, before any text written in the meantime. Its exchange is gone, so editing ends. */
  giveBack(draft: Draft): void {
    const drafts = [draft, this.draft, this.#aside];
    const texts = drafts.map(({ text }) => text).filter((text) => text.trim());
    this.#endEditing();
    this.#set(draftOf([...new Set(texts)].join("\n\n"), [...new Set(drafts.flatMap(({ attachments }) => attachments))]));
  }

  /** Puts a question into the box for editing; the draft returns afterwards. */
  edit(id: number, question: Draft): void {
    if (id !== this.#edited) {
      if (this.#edited !== undefined) this.loseEdited();
      this.#aside = this.draft;
      this.#edited = id;
      this.#original = question;
      this.#editing.hidden = false;
      this.#set(question);
    }
    this.focus();
  }

  /** Ends editing and restores the draft. */
  endEdit(): void {
    const aside = this.#aside;
    this.#endEditing();
    this.#set(aside);
  }

  /** The exchange whose question is being edited isn't on screen any more, or another is edited: a question in other words becomes a draft. */
  loseEdited(): void {
    if (isSameDraft(this.draft, this.#original)) this.endEdit();
    else this.giveBack(draftOf(""));
  }

  cancelEdit(): void {
    this.endEdit();
    this.focus();
  }

  /** The message was sent. */
  clear(): void {
    this.#set(draftOf(""));
  }

  #endEditing(): void {
    this.#editing.hidden = true;
    this.#edited = undefined;
    this.#aside = draftOf("");
  }

  #key(event: KeyboardEvent): void {
    if (isComposing(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && (event.ctrlKey || event.metaKey || !hasTouchKeyboard())) {
      event.preventDefault();
      // A key that is held must not send what comes into the box next: a draft, or a message that is returned.
      if (!event.repeat) this.#send();
    } else if (event.key === "ArrowUp" && isBlank(this.draft) && this.#edited === undefined && !this.#running) {
      event.preventDefault();
      this.#actions.editLast();
    }
  }

  #paste(event: ClipboardEvent): void {
    const files = [...event.clipboardData!.files];
    const text = withLineFeeds(event.clipboardData!.getData("text/plain"));
    // Office programs copy a picture of the text with it.
    if (files.length > 0 && (!text || isNamesOf(text, files))) void this.attach(files);
    else if (isLongPaste(text)) this.#attachments.addPasted(text);
    else return;
    event.preventDefault();
  }

  #send(): void {
    this.#isDue = this.#reading > 0;
    const { draft } = this;
    if (!this.#isDue && !isBlank(draft)) this.#actions.send(draft);
  }

  #set({ text, attachments }: Draft): void {
    this.#isDue = false;
    this.#box.value = text;
    this.#attachments.set(attachments);
  }

  #changed(): void {
    fitToText(this.#box);
    this.#showSubmit();
    this.#actions.changed();
  }

  #showSubmit(): void {
    // A question in other words isn't queued.
    this.#enqueue.hidden = !this.#running || this.#edited !== undefined || isBlank(this.draft);
    this.#submit.ariaDisabled = String(!this.#running && isBlank(this.draft));
  }
}
