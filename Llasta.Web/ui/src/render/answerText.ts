import { el } from "../dom/element.ts";
import type { Words } from "../words/index.ts";
import { MarkdownView } from "./markdownView.ts";

/** An answer's text, drawn from Markdown. A text that can't be drawn is shown as it is, and nothing else is affected. */
export class AnswerText {
  readonly element = el("div", { className: "answer-text" });
  readonly #words: Words;
  #markdown: MarkdownView | undefined;
  #plain: Text | undefined;

  constructor(words: Words) {
    this.#words = words;
  }

  show(text: string, complete: boolean): void {
    // Another text may be drawable again.
    if (this.#plain?.data && text.startsWith(this.#plain.data)) {
      this.#showPlain(text);
      return;
    }
    this.#plain = undefined;
    try {
      if (!this.#markdown) {
        this.#markdown = new MarkdownView(this.#words);
        this.element.replaceChildren(this.#markdown.element);
      }
      this.#markdown.show(text, complete);
    } catch (error) {
      console.warn("This answer can't be drawn as Markdown:", error);
      this.#markdown = undefined;
      this.#showPlain(text);
    }
  }

  set streaming(streaming: boolean) {
    this.element.firstElementChild?.classList.toggle("streaming", streaming);
  }

  /** `text` extends the text that is shown: only the addition is laid out. */
  #showPlain(text: string): void {
    if (!this.#plain) {
      this.#plain = document.createTextNode("");
      this.element.replaceChildren(el("div", { className: "prose plain" }, this.#plain));
    }
    this.#plain.appendData(text.slice(this.#plain.length));
  }
}
