import { announce } from "../dom/announcer.ts";
import type { Turn } from "../turn/turn.ts";
import type { Words } from "../words/index.ts";

type Stage = "sending" | "thinking" | "answering" | "waiting" | "ended";

/** Tells screen readers that a turn begins, waits or ends; the text itself is read on demand. */
export class TurnAnnouncer {
  readonly #words: Words;
  #stage: Stage = "ended";
  #continues = false;

  constructor(words: Words) {
    this.#words = words;
  }

  /** @param said what the page says at the moment, if anything. */
  show(turn: Turn | undefined, said: () => string): void {
    const stage = stageOf(turn);
    if (stage !== "answering") this.#continues = Boolean(turn?.answer);
    if (stage === this.#stage) return;
    this.#stage = stage;
    if (stage === "thinking") announce(this.#words.announceThinking);
    else if (stage === "answering" && !this.#continues) announce(this.#words.announceStart);
    else if (stage === "waiting") announce(said());
    else if (stage === "ended") announce(said() || this.#words.announceEnd);
  }
}

function stageOf(turn: Turn | undefined): Stage {
  if (!turn) return "ended";
  return turn.trouble && turn.phase.kind !== "ended" ? "waiting" : turn.phase.kind === "paused" ? "waiting" : turn.phase.kind;
}
