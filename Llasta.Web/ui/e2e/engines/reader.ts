import { expect } from "@playwright/test";
import { en } from "../../src/words/en.ts";
import type { Engine } from "./engine.ts";

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What a reader does with the page, in any browser. */
export class Reader {
  readonly engine: Engine;
  readonly words = en;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  async open(url: string): Promise<void> {
    await this.engine.resize(1200, 900);
    await this.engine.open(url);
    await expect.poll(() => this.engine.evaluate(() => document.querySelector("#message") !== null)).toBe(true);
  }

  /** The texts of all elements that match, as they are shown. */
  texts(selector: string): Promise<string[]> {
    return this.engine.evaluate(
      (selector) => [...document.querySelectorAll<HTMLElement>(selector)].map((element) => element.innerText.trim()),
      selector,
    );
  }

  /** The last answer's text. */
  async answer(): Promise<string> {
    return (await this.texts("article.last .prose")).at(-1) ?? "";
  }

  async note(): Promise<string> {
    return (await this.texts("article.last .note:not([hidden])")).join("");
  }

  /** Clicks the last button with this name, once it is there. */
  async click(name: string): Promise<void> {
    let point: Point | null = null;
    await expect
      .poll(async () => {
        point = await this.engine.evaluate((name) => {
          const buttons = [...document.querySelectorAll<HTMLElement>("button")];
          const button = buttons.findLast((button) => (button.ariaLabel || button.innerText.trim()) === name && button.checkVisibility());
          button?.scrollIntoView({ block: "center" });
          const box = button?.getBoundingClientRect();
          return box ? { x: box.x + box.width / 2, y: box.y + box.height / 2 } : null;
        }, name);
        return point;
      }, `a button "${name}"`)
      .not.toBeNull();
    await this.engine.click(point!.x, point!.y);
  }

  async focusBox(): Promise<void> {
    await this.engine.evaluate(() => document.querySelector<HTMLElement>("#message")!.focus());
  }

  async say(message: string): Promise<void> {
    await this.focusBox();
    await this.engine.type(message);
    await this.engine.press("Enter");
  }

  async ended(): Promise<void> {
    await expect
      .poll(() => this.engine.evaluate(() => document.querySelector(".submit.stop, article[aria-busy=true]") === null))
      .toBe(true);
  }

  /** Opens a conversation from a file, as if it had been chosen in Settings. */
  async import(conversation: object): Promise<void> {
    await this.click(this.words.settings);
    await this.#choose(`input[type=file][accept*=json]`, "conversation.json", JSON.stringify(conversation));
    await expect.poll(() => this.engine.evaluate(() => document.querySelector("dialog[open]") === null)).toBe(true);
  }

  /** Attaches a text file, as if it had been chosen. */
  attach(name: string, text: string): Promise<void> {
    return this.#choose(".bar input[type=file]", name, text);
  }

  #choose(selector: string, name: string, text: string): Promise<void> {
    return this.engine.evaluate(
      ({ selector, name, text }) => {
        const input = document.querySelector<HTMLInputElement>(selector)!;
        const files = new DataTransfer();
        files.items.add(new File([text], name));
        input.files = files.files;
        input.dispatchEvent(new Event("change"));
      },
      { selector, name, text },
    );
  }

  /** What is pasted into the empty message box, which is emptied again. */
  async pasted(): Promise<string> {
    await this.focusBox();
    await this.engine.press("v", "Control");
    const value = () => this.engine.evaluate(() => document.querySelector<HTMLTextAreaElement>("#message")!.value);
    await expect.poll(value).not.toBe("");
    const text = await value();
    await this.engine.evaluate(() => {
      const box = document.querySelector<HTMLTextAreaElement>("#message")!;
      box.value = "";
      box.dispatchEvent(new Event("input", { bubbles: true }));
    });
    return text;
  }

  /** The first and the last word that is in view between the page's bars, of an answer whose words end in their numbers. */
  wordsInView(): Promise<{ first: number; last: number }> {
    return this.engine.evaluate(() => {
      const top = document.querySelector(".masthead")!.getBoundingClientRect().bottom;
      const bottom = document.querySelector(".composer")!.getBoundingClientRect().top;
      const seen: number[] = [];
      for (const paragraph of document.querySelectorAll("article.last .prose p")) {
        const box = paragraph.getBoundingClientRect();
        if (box.bottom < top || box.top > bottom) continue;
        const text = paragraph.firstChild as Text;
        const range = document.createRange();
        for (const match of text.data.matchAll(/word(\d+)/g)) {
          range.setStart(text, match.index);
          range.setEnd(text, match.index + match[0].length);
          const line = range.getBoundingClientRect();
          if (line.height > 0 && line.top >= top && line.bottom <= bottom) seen.push(Number(match[1]));
        }
      }
      return { first: Math.min(...seen), last: Math.max(...seen) };
    });
  }

  complaints(): Promise<string[]> {
    return this.engine.evaluate(() => (window as unknown as { complaints: string[] }).complaints);
  }
}
