import type { Turn } from "../turn/turn.ts";
import type { Words } from "../words/index.ts";

/** Shows the turn's state in the tab's title, and that an answer has come while the page was out of sight. */
export class TabTitle {
  readonly #words: Words;
  #wasRunning = false;

  constructor(words: Words) {
    this.#words = words;
    document.title = words.name;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.#wasRunning) document.title = words.name;
    });
  }

  show(turn: Turn | undefined): void {
    const title = this.#titleOf(turn);
    if (document.title !== title) document.title = title;
    this.#wasRunning = turn !== undefined;
  }

  #titleOf(turn: Turn | undefined): string {
    const { name, titles } = this.#words;
    if (turn?.trouble) return `${titles.waiting} · ${name}`;
    if (turn) return `${turn.phase.kind === "thinking" ? titles.thinking : titles.answering} · ${name}`;
    if (this.#wasRunning && document.hidden) return `${titles.ready} · ${name}`;
    return document.hidden ? document.title : name;
  }
}
