import type { ChatClient } from "./client.ts";
import { beginTurn, requestOf, step, type Turn, type TurnEvent, type TurnStart } from "./turn.ts";

export interface Clock {
  /** Milliseconds on a monotonic clock. */
  now(): number;
  /** Calls `call` once after `ms` milliseconds, unless the returned function cancels it. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    // A longer time would overflow, and the timer would fire at once.
    const timer = setTimeout(call, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

export interface RunOptions {
  readonly client: ChatClient;
  /** Called after each change, at most once per read of the stream. */
  readonly onChange?: (turn: Turn) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** Runs a turn from its first request to its end, through pauses, cuts and continuations. */
export class TurnRun {
  /** Resolves when the turn has ended; never rejects. */
  readonly ended: Promise<Turn>;

  readonly #client: ChatClient;
  readonly #onChange: (turn: Turn) => void;
  readonly #clock: Clock;
  readonly #random: () => number;
  #turn: Turn;
  #request: AbortController | undefined;
  #wake: (() => void) | undefined;

  constructor(start: TurnStart, { client, onChange = () => {}, clock = systemClock, random = Math.random }: RunOptions) {
    this.#client = client;
    this.#onChange = onChange;
    this.#clock = clock;
    this.#random = random;
    this.#turn = beginTurn(start, clock.now());
    this.ended = this.#run();
  }

  get turn(): Turn {
    return this.#turn;
  }

  /** Ends the turn and closes its request, in any phase. */
  stop(): void {
    this.#interrupt({ kind: "stop" });
  }

  /** Skips the rest of the thinking and requests the answer at once. */
  answerNow(): void {
    if (!this.#turn.answer && this.#turn.thinking) this.#interrupt({ kind: "answer-now" });
  }

  /** Ends a pause early: the model is ready, or the network is back. */
  retryNow(): void {
    this.#take([{ kind: "retry" }]);
    this.#wake?.();
  }

  /** The reader wants another try at once, also in place of a request that nothing has come of. */
  tryNow(): void {
    if (this.#turn.phase.kind === "sending") this.#request?.abort();
    else this.retryNow();
  }

  #interrupt(event: TurnEvent): void {
    if (this.#turn.phase.kind === "ended") return;
    this.#take([event]);
    this.#request?.abort();
    this.#wake?.();
  }

  async #run(): Promise<Turn> {
    for (;;) {
      const { phase } = this.#turn;
      if (phase.kind === "ended") return this.#turn;
      if (phase.kind === "paused") await this.#pause(phase.until);
      else await this.#ask();
    }
  }

  async #ask(): Promise<void> {
    const request = new AbortController();
    this.#request = request;
    for await (const batch of this.#client.chat(requestOf(this.#turn), request.signal)) {
      if (request.signal.aborted) break;
      this.#take(batch);
    }
    this.#request = undefined;
  }

  async #pause(until: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(Math.max(0, until - this.#clock.now()), resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
    this.#take([{ kind: "retry" }]);
  }

  #take(events: readonly TurnEvent[]): void {
    const before = this.#turn;
    for (const event of events) this.#turn = step(this.#turn, event, this.#clock.now(), this.#random());
    if (this.#turn !== before) this.#onChange(this.#turn);
  }
}
