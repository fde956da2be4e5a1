import type { Words } from "../words/index.ts";
import { copyButton } from "../dom/clipboard.ts";
import { el } from "../dom/element.ts";
import { sanitized } from "./sanitize.ts";

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
    this.element = el(
      "figure",
      { className: "code" },
      el(
        "figcaption",
        {},
        el("span", {}, language || words.plainText),
        copyButton(() => this.#text, words.copyCode, words),
      ),
      el("pre", { tabIndex: 0 }, this.#code),
    );
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
    this.#finished = true;
    if (!this.#language || this.#text.length > longestHighlighted) return;
    whenIdle(async () => {
      // If the module can't be loaded, the code stays without colours.
      const module = await import("./highlight.ts").catch(() => undefined);
      const html = module?.highlight(this.#text, this.#language);
      if (html) this.#code.replaceChildren(sanitized(html));
    });
  }
}

const whenIdle = (work: () => void): void => {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 1000 });
  else setTimeout(work, 50);
};
