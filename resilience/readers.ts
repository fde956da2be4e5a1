import { ChatClient } from "../Llasta.Web/ui/src/turn/client.ts";
import { type Clock, systemClock, TurnRun } from "../Llasta.Web/ui/src/turn/run.ts";
import type { PartialAnswer, Turn } from "../Llasta.Web/ui/src/turn/turn.ts";
import type { Message } from "../Llasta.Web/ui/src/turn/wire.ts";

export interface Question {
  readonly history: readonly Message[];
  readonly thinking: boolean;
}

export interface Answer {
  readonly answer: string;
  readonly reasoning: string;
}

/** The uninterrupted answer, requested from the model directly and not as a stream: none of the tested parts is involved. */
export async function undisturbed(model: string, { history, thinking }: Question): Promise<Answer> {
  const response = await fetch(`${model}/v1/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model: "Qwen/Qwen3-8B", messages: history, chat_template_kwargs: { enable_thinking: thinking } }),
  });
  const { choices } = (await response.json()) as { choices: [{ message: { content: string; reasoning?: string | null } }] };
  return { answer: choices[0].message.content, reasoning: choices[0].message.reasoning ?? "" };
}

export interface Reading {
  readonly turn: Turn;
  /** How often the answer was cut and continued. */
  readonly resumed: number;
  /** How often the model or the chat API was unreachable. */
  readonly waited: number;
  /** The longest time between two pieces of text, in milliseconds. */
  readonly longestGap: number;
}

/** The page's own clock with shorter pauses: the faults of a test last seconds, not minutes. */
const hurried = (factor: number): Clock => ({ now: systemClock.now, after: (ms, call) => systemClock.after(ms / factor, call) });

/** Each request uses its own connection, as through an Ingress, which chooses a pod for each. */
const fetchOnce: typeof fetch = (input, init) =>
  fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), Connection: "close" } });

/**
 * Reads one answer as the page does, from the first request to the end of the turn. When the page would ask the reader
 * whether to continue, this reader does.
 * `hurry` divides the page's pauses; `begun` is called with the first piece of text. After `stopAt` characters, this reader stops the answer
 * once, and continues it.
 */
export async function read(base: string, question: Question, { hurry = 1, begun = () => {}, stopAt = Infinity } = {}): Promise<Reading> {
  let resumed = 0;
  let waited = 0;
  let longestGap = 0;
  let phase = "";
  let length = 0;
  let since = 0;
  let run: TurnRun;
  const onChange = (turn: Turn): void => {
    if (turn.phase.kind !== phase) {
      phase = turn.phase.kind;
      if (phase === "paused" && turn.trouble?.cause === "cut") resumed++;
      else if (phase === "paused") waited++;
    }
    const now = performance.now();
    const all = turn.answer.length + turn.reasoning.length;
    if (all === length) return;
    if (length === 0) begun();
    else longestGap = Math.max(longestGap, now - since);
    length = all;
    since = now;
    if (all < stopAt) return;
    stopAt = Infinity;
    setTimeout(() => run.stop());
  };
  const client = new ChatClient(`${base}/`, fetchOnce);
  for (let partial: PartialAnswer | undefined; ; ) {
    run = new TurnRun({ ...question, partial }, { client, clock: hurried(hurry), onChange });
    const turn = await run.ended;
    const state = turn.phase.kind === "ended" && turn.phase.ending.state;
    if (state !== "truncated" && state !== "stopped") return { turn, resumed, waited, longestGap };
    partial = turn;
    if (state === "truncated") resumed++;
  }
}
