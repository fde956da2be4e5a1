import { appendText, button, el, showText } from "../dom/element.ts";
import type { Words } from "../words/index.ts";

export interface ThinkingState {
  readonly text: string;
  readonly streaming: boolean;
  readonly skipped: boolean;
  readonly ms: number | undefined;
  readonly skippable: boolean;
  readonly answerBegun: boolean;
}

/** The model's thinking: open while it streams, closed when the answer begins, then as the reader leaves it. */
export class Thinking {
  readonly #summary = el("summary");
  readonly #text = el("div", { className: "thought" });
  readonly #details = el("details", { className: "thinking" }, this.#summary, this.#text);
  readonly element = el("div", { className: "thinking-box", hidden: true }, this.#details);
  readonly #words: Words;
  readonly #answerNow: HTMLButtonElement;
  #shown = "";
  #last = el("p");
  #wasStreaming = false;
  #answerBegan = false;

  constructor(words: Words, answerNow: () => void) {
    this.#words = words;
    this.#answerNow = button(undefined, words.answerNow, answerNow);
    this.#answerNow.hidden = true;
    this.element.append(this.#answerNow);
  }

  show({ text, streaming, skipped, ms, skippable, answerBegun }: ThinkingState): void {
    // Qwen3 starts its thinking with an empty line.
    const thought = text.trimStart();
    this.element.hidden = thought === "";
    this.#grow(thought);
    if (streaming && !this.#wasStreaming) this.#details.open = true;
    if (answerBegun && !this.#answerBegan) this.#details.open = false;
    this.#wasStreaming = streaming;
    this.#answerBegan = answerBegun;
    this.#details.classList.toggle("streaming", streaming);
    this.#answerNow.hidden = !skippable;
    showText(this.#summary, this.#label(streaming, skipped, ms));
  }

  #label(streaming: boolean, skipped: boolean, ms: number | undefined): string {
    if (streaming) return this.#words.thinking;
    if (ms === undefined) return this.#words.thoughtNoTime;
    return skipped ? this.#words.thoughtSkipped(ms / 1000) : this.#words.thought(ms / 1000);
  }

  /** Thinking is shown as plain paragraphs; only the last one grows. */
  #grow(text: string): void {
    if (text === this.#shown) return;
    const { scrollTop, clientHeight, scrollHeight } = this.#text;
    const atEnd = scrollHeight - clientHeight - scrollTop < 24;
    if (!text.startsWith(this.#shown) || this.#shown === "") {
      this.#shown = "";
      this.#last = el("p");
      this.#text.replaceChildren(this.#last);
    }
    const [rest, ...paragraphs] = text.slice(this.#shown.length).split(/\n{2,}/);
    appendText(this.#last, rest!);
    for (const paragraph of paragraphs) {
      this.#last = el("p", {}, paragraph);
      this.#text.append(this.#last);
    }
    this.#shown = text;
    this.#text.classList.toggle("clipped", this.#text.scrollHeight > this.#text.clientHeight + 1);
    if (atEnd) this.#text.scrollTop = this.#text.scrollHeight;
  }
}
