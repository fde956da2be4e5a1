import type { Words } from "../words/index.ts";
import { copyButton } from "../dom/clipboard.ts";
import { el } from "../dom/element.ts";
import { sanitized } from "./sanitize.ts";

/** Longer code isn't coloured: it would hold up the page. */
const longestHighlighted = 60_000;

/** Code that streams in comes in runs of so many lines, so that laying out the last doesn't lay out all. */
const linesPerRun = 50;

/** A block of code with its language and a button that copies it. It can grow, and is coloured once it doesn't any more. */
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

  /** @returns false when it can't: this isn't the old text with more at its end, or it is coloured already. */
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

  /** Colours the code, when there's time. */
  finish(): void {
    this.#finished = true;
    if (!this.#language || this.#text.length > longestHighlighted) return;
    whenIdle(async () => {
      // Where it can't be loaded just now, code is read without colours.
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
