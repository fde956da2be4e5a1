import { copyButton } from "../dom/clipboard.ts";
import { el } from "../dom/element.ts";
import { layoutMemory } from "../dom/layoutMemory.ts";
import type { Words } from "../words/index.ts";
import type { MarkdownView } from "./markdownView.ts";

/** Markdown isn't needed for the first paint: it is loaded beside it, before the first answer can arrive. */
let Markdown: typeof MarkdownView | undefined;
const loadMarkdown = (): Promise<unknown> =>
  import("./markdownView.ts").then((module) => {
    Markdown = module.MarkdownView;
  });
let loading = loadMarkdown();
// A failure concerns only the answers that wait for it.
loading.catch(() => {});

/** An answer's text, drawn from Markdown. A text that can't be drawn is shown as it is, and nothing else is affected. */
export class AnswerText {
  readonly element = el("div", { className: "answer-text" });
  readonly #words: Words;
  #markdown: MarkdownView | undefined;
  #plain: Text | undefined;
  #chunks = 0;
  /** The text to draw when Markdown is loaded. */
  #waiting: { readonly text: string; readonly complete: boolean } | undefined;

  constructor(words: Words) {
    this.#words = words;
  }

  show(text: string, complete: boolean): void {
    // Another text may be drawable again.
    if (this.#plain?.data && text.startsWith(this.#plain.data)) {
      this.#showPlain(text);
      return;
    }
    // Drawing would take the selection away: the text appears when the reader is done.
    if (!complete && this.#isSelecting()) return;
    if (!Markdown) {
      this.#showWhenLoaded(text, complete);
      return;
    }
    this.#plain = undefined;
    this.#waiting = undefined;
    try {
      if (!this.#markdown) {
        this.#markdown = new Markdown(this.#words);
        this.element.replaceChildren(this.#markdown.element);
      }
      this.#markdown.show(text, complete);
      this.#settleChunks();
      if (complete) this.#addTableTools();
    } catch (error) {
      console.warn("This answer can't be drawn as Markdown:", error);
      this.#markdown = undefined;
      this.#showPlain(text);
    }
  }

  set streaming(streaming: boolean) {
    this.element.firstElementChild?.classList.toggle("streaming", streaming);
  }

  /** The text as HTML for other programs, without the page's own buttons. */
  get html(): string {
    const copy = this.element.cloneNode(true) as HTMLElement;
    for (const own of copy.querySelectorAll("figcaption, button, .table-tools")) own.remove();
    for (const element of copy.querySelectorAll("*"))
      for (const name of ["class", "style", "tabindex", "role", "aria-label"]) element.removeAttribute(name);
    return copy.innerHTML;
  }

  /** Shows the text as it is in the meantime, and for good if Markdown can't be loaded. */
  #showWhenLoaded(text: string, complete: boolean): void {
    const isFirst = !this.#waiting;
    this.#waiting = { text, complete };
    this.element.replaceChildren(el("div", { className: "prose plain" }, text));
    if (!isFirst) return;
    loading.then(
      () => this.#waiting && this.show(this.#waiting.text, this.#waiting.complete),
      () => {
        this.#waiting = undefined;
        loading = loadMarkdown();
      },
    );
  }

  /** Text in the block that grows is selected. */
  #isSelecting(): boolean {
    const selection = getSelection();
    const growing = this.#markdown?.element.lastElementChild?.lastElementChild;
    return Boolean(growing && selection && !selection.isCollapsed && selection.containsNode(growing, true));
  }

  /** All runs of blocks but the last are complete. */
  #settleChunks(): void {
    const { children } = this.#markdown!.element;
    if (children.length < this.#chunks) this.#chunks = 0;
    for (; this.#chunks < children.length - 1; this.#chunks++) layoutMemory.settle(children[this.#chunks]!);
  }

  #addTableTools(): void {
    for (const frame of this.#markdown!.element.querySelectorAll(".table:not(:has(.table-tools))")) {
      const table = frame.querySelector("table")!;
      const copied = () => ({ text: tsvOf(table), html: table.outerHTML });
      frame.append(el("div", { className: "table-tools" }, copyButton(copied, this.#words.copyTable, this.#words)));
    }
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

/** A table as tab-separated values, which spreadsheets take. */
const tsvOf = (table: HTMLTableElement): string =>
  [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.replace(/\s+/g, " ").trim()).join("\t")).join("\n");
