import { appendText, el } from "../dom/element.ts";
import type { Words } from "../words/index.ts";
import { forOtherPrograms } from "./copied.ts";
import { drawingNow, loadDrawing } from "./drawing.ts";
import type { MarkdownView } from "./markdownView.ts";

/** An answer's text, drawn from Markdown. A text that can't be drawn is shown as it is, and nothing else is affected. */
export class AnswerText {
  readonly element = el("div", { className: "answer-text" });
  readonly #words: Words;
  #markdown: MarkdownView | undefined;
  /** The element and the text that are shown instead of Markdown. */
  #plain: { readonly element: HTMLElement; text: string } | undefined;
  #isUndrawable = false;
  #streaming = false;
  #waiting: { readonly text: string; readonly complete: boolean } | undefined;

  constructor(words: Words) {
    this.#words = words;
  }

  show(text: string, complete: boolean): void {
    // Another text may be drawable again.
    if (this.#isUndrawable && this.#plain && text.startsWith(this.#plain.text)) {
      this.#showPlain(text);
      return;
    }
    // Drawing would take the selection away: the text appears when the reader is done.
    if (!complete && this.#isSelecting()) return;
    this.#isUndrawable = false;
    const drawing = drawingNow();
    if (!drawing) {
      this.#wait(text, complete);
      return;
    }
    this.#waiting = undefined;
    try {
      if (!this.#markdown) {
        this.#plain = undefined;
        this.#markdown = new drawing.MarkdownView(this.#words);
        this.#replace(this.#markdown.element);
      }
      this.#markdown.show(text, complete);
    } catch (error) {
      console.warn("This answer can't be drawn as Markdown:", error);
      this.#markdown = undefined;
      this.#isUndrawable = true;
      this.#showPlain(text);
    }
  }

  /** The text is drawn anew when it is shown next. */
  undraw(): void {
    this.#markdown = undefined;
    this.#waiting = undefined;
  }

  set streaming(streaming: boolean) {
    this.#streaming = streaming;
    this.element.firstElementChild?.classList.toggle("streaming", streaming);
  }

  /** The text as HTML for other programs, without the page's own buttons. */
  get html(): string {
    return forOtherPrograms(this.element).innerHTML;
  }

  /** Text in the block that grows is selected. */
  #isSelecting(): boolean {
    const selection = getSelection();
    const growing = this.#markdown?.lastBlock;
    return Boolean(growing && selection && !selection.isCollapsed && selection.containsNode(growing, true));
  }

  /** Shows the text as it is until the part of the page is loaded that draws it. */
  #wait(text: string, complete: boolean): void {
    const isWaiting = this.#waiting !== undefined;
    this.#waiting = { text, complete };
    this.#showPlain(text);
    if (isWaiting) return;
    loadDrawing().then(
      () => {
        if (this.#waiting) this.show(this.#waiting.text, this.#waiting.complete);
      },
      // The next text asks for it again.
      () => {
        this.#waiting = undefined;
      },
    );
  }

  /** Only what is added to the text that is shown is laid out. */
  #showPlain(text: string): void {
    if (!this.#plain || !text.startsWith(this.#plain.text)) {
      this.#plain = { element: el("div", { className: "prose plain", dir: "auto" }), text: "" };
      this.#replace(this.#plain.element);
    }
    appendText(this.#plain.element, text.slice(this.#plain.text.length));
    this.#plain.text = text;
  }

  #replace(element: HTMLElement): void {
    element.classList.toggle("streaming", this.#streaming);
    this.element.replaceChildren(element);
  }
}
