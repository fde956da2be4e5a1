import type { Words } from "../words/index.ts";
import { copyButton } from "../dom/clipboard.ts";
import { el } from "../dom/element.ts";
import { whenIdle } from "./drawing.ts";
import { sanitized } from "./sanitize.ts";
import { reachableWhileWide } from "./scrollable.ts";

/** Longer code isn't highlighted: it would block the page. */
const longestHighlighted = 60_000;

/** Streamed code is split into runs of this many lines, so that a change lays out only the last run. */
const linesPerRun = 50;

/** A block of code with its language and a copy button. It can grow, and is highlighted when it is complete. */
export class CodeBlock {
  readonly element: HTMLElement;
  readonly #code = el("code");
  readonly #language: string;
  #text = "";
  #run: HTMLElement | undefined;
  #runLines = 0;
  #finished = false;

  constructor(language: string, text: string, words: Words) {
    this.#language = language;
    const pre = el("pre", { translate: false }, this.#code);
    this.element = el(
      "figure",
      { className: "code", dir: "ltr" },
      el(
        "figcaption",
        {},
        el("span", { translate: language === "" }, language || words.plainText),
        copyButton(() => this.#text, words.copyCode, words),
      ),
      pre,
    );
    reachableWhileWide(pre);
    this.grow(text);
  }

  get language(): string {
    return this.#language;
  }

  /** @returns false if `text` doesn't extend the old text, or the block is highlighted already. */
  grow(text: string): boolean {
    if (this.#finished || !text.startsWith(this.#text)) return false;
    let added = text.slice(this.#text.length);
    this.#text = text;
    while (added) {
      if (!this.#run || this.#runLines >= linesPerRun) {
        this.#run = el("span", { className: "run" });
        this.#runLines = 0;
        this.#code.append(this.#run);
      }
      let end = 0;
      while (end < added.length && this.#runLines < linesPerRun) {
        const line = added.indexOf("\n", end);
        if (line < 0) {
          end = added.length;
          break;
        }
        end = line + 1;
        this.#runLines++;
      }
      this.#run.append(added.slice(0, end));
      added = added.slice(end);
    }
    return true;
  }

  /** Highlights the code when the browser is idle. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    if (!this.#language || this.#text.length > longestHighlighted) return;
    whenIdle(async () => {
      // If a module can't be loaded, the code stays without colours.
      const html = await import("./highlight.ts").then((module) => module.highlight(this.#text, this.#language)).catch(() => undefined);
      if (html) this.#colour(sanitized(html));
    });
  }

  /** Replacing the text would end a selection inside it, so the colours wait until it is gone. */
  #colour(highlighted: DocumentFragment): void {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && selection.containsNode(this.#code, true))
      document.addEventListener("selectionchange", () => this.#colour(highlighted), { once: true });
    else this.#code.replaceChildren(highlighted);
  }
}
