import type { Turn } from "../turn/turn.ts";
import type { Words } from "../words/index.ts";

/** Shows the turn's state in the tab's title, and that an answer has come while the page was out of sight. */
export class TabTitle {
  readonly #words: Words;
  #wasRunning = false;
  /** The title that was set last: a browser that translates the page changes it. */
  #title: string;

  constructor(words: Words) {
    this.#words = words;
    this.#title = words.name;
    document.title = words.name;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.#wasRunning) this.#set(words.name);
    });
  }

  show(turn: Turn | undefined): void {
    this.#set(this.#titleOf(turn));
    this.#wasRunning = turn !== undefined;
  }

  #set(title: string): void {
    if (title !== this.#title) document.title = title;
    this.#title = title;
  }

  #titleOf(turn: Turn | undefined): string {
    const { name, titles } = this.#words;
    if (turn?.trouble) return `${titles.waiting} · ${name}`;
    if (turn) return `${turn.phase.kind === "thinking" ? titles.thinking : titles.answering} · ${name}`;
    if (this.#wasRunning && document.hidden) return `${titles.ready} · ${name}`;
    return document.hidden ? this.#title : name;
  }
}
