import type { Delivery } from "./client.ts";
import type { ChatRequest, Message, Problem, Timings, Usage } from "./wire.ts";

/** How a turn ended. Each state has its own words and one action in the page. */
export type Ending =
  | { readonly state: "done" | "stopped" | "length" | "thinking-limit" | "truncated" }
  | { readonly state: "failed"; readonly problem: Problem };

export type Phase =
  /** A request was sent and nothing has arrived yet; `retries` says why it is a retry. */
  | { readonly kind: "sending"; readonly retries?: "unreachable" | "busy" }
  | { readonly kind: "thinking" }
  | { readonly kind: "answering" }
  /** The model is unreachable or busy: the request is sent again at `until`, milliseconds on the clock. */
  | { readonly kind: "waiting"; readonly cause: "unreachable" | "busy"; readonly until: number }
  /** The stream was cut: the answer is continued at `until`, milliseconds on the clock. */
  | { readonly kind: "resuming"; readonly until: number }
  | { readonly kind: "ended"; readonly ending: Ending };

/** One answer in progress: everything known about it, and what happens next. */
export interface Turn {
  readonly history: readonly Message[];
  readonly thinking: boolean;
  readonly phase: Phase;
  readonly answer: string;
  readonly reasoning: string;
  /** The reader skipped this thinking: it isn't sent when the answer is continued. */
  readonly reasoningSkipped: boolean;
  /** The thinking starts again from the beginning: the next piece replaces the old text. */
  readonly reasoningStale: boolean;
  readonly reasoningSince: number | undefined;
  readonly reasoningMs: number | undefined;
  /** Consecutive requests that delivered no answer text; restarted thinking doesn't count as progress. */
  readonly fruitless: number;
  /** How many of these were cut rather than refused: a model may load for minutes and be cut after that. */
  readonly cuts: number;
  readonly model: string | undefined;
  /** The usage of the last request. */
  readonly usage: Usage | undefined;
  /** Tokens of the partial answer that the running request continues: 0 if there is none, undefined if they weren't counted. */
  readonly tokensBefore: number | undefined;
  /** Tokens of the whole answer and its thinking, known once the stream has ended. */
  readonly tokens: number | undefined;
  /** The rate is that of the last request, the time to the first token that of the first one. */
  readonly timings: Timings | undefined;
}

export type TurnEvent =
  | Delivery
  /** The pause is over, or a retry before its end is worthwhile. */
  | { readonly kind: "retry" }
  | { readonly kind: "stop" }
  | { readonly kind: "answer-now" };

/** After this many consecutive cuts without any answer text, which takes most of a minute, the reader decides. */
export const mostFruitlessCuts = 10;

export interface PartialAnswer {
  readonly answer: string;
  readonly reasoning: string;
  readonly reasoningMs?: number | undefined;
  readonly reasoningSkipped: boolean;
  readonly tokens?: number | undefined;
  readonly timings?: Timings | undefined;
}

export interface TurnStart {
  /** The conversation, ending with the user's message. */
  readonly history: readonly Message[];
  readonly thinking: boolean;
  /** A partial answer to continue. */
  readonly partial?: PartialAnswer | undefined;
}

export const beginTurn = ({ history, thinking, partial }: TurnStart): Turn => ({
  history,
  thinking,
  phase: { kind: "sending" },
  answer: partial?.answer ?? "",
  reasoning: partial?.reasoning ?? "",
  reasoningSkipped: partial?.reasoningSkipped ?? false,
  reasoningStale: !partial?.answer,
  reasoningSince: undefined,
  reasoningMs: partial?.reasoningMs,
  fruitless: 0,
  cuts: 0,
  model: undefined,
  usage: undefined,
  tokensBefore: partial?.answer ? partial.tokens : 0,
  tokens: undefined,
  timings: partial?.answer ? partial.timings : undefined,
});

/** The request that the turn needs now: the conversation, followed by the partial answer if there is one. */
export function requestOf(turn: Turn): ChatRequest {
  const { history, thinking, answer, reasoning, reasoningSkipped } = turn;
  const partial: Message[] = answer ? [{ role: "assistant", content: answer, ...(reasoning && !reasoningSkipped && { reasoning }) }] : [];
  return { messages: [...history, ...partial], thinking, continue: answer !== "" };
}

/**
 * Returns the turn after an event. A pure function: it neither waits nor reads a clock.
 * @param now milliseconds on a monotonic clock.
 * @param jitter from 0 to 1: spreads the retries of many pages over time.
 */
export function step(turn: Turn, event: TurnEvent, now: number, jitter = 0.5): Turn {
  if (turn.phase.kind === "ended") return turn;
  switch (event.kind) {
    case "start":
      return { ...turn, model: event.start.model };
    case "reasoning":
      return {
        ...turn,
        phase: turn.phase.kind === "thinking" ? turn.phase : { kind: "thinking" },
        reasoning: turn.reasoningStale ? event.text : turn.reasoning + event.text,
        reasoningStale: false,
        reasoningSkipped: false,
        reasoningSince: turn.reasoningStale ? now : (turn.reasoningSince ?? now),
      };
    case "answer":
      return {
        ...thoughtUntil(turn, now),
        fruitless: 0,
        cuts: 0,
        phase: turn.phase.kind === "answering" ? turn.phase : { kind: "answering" },
        answer: turn.answer + event.text,
      };
    case "end": {
      const { state, usage, timings } = event.end;
      if (state === "truncated") return cut(turn, now, jitter);
      return { ...end(turn, { state }, now), usage, ...figures(turn, usage, timings) };
    }
    case "cut":
      return cut(turn, now, jitter);
    case "failed":
      return fail(turn, event.problem, now, jitter);
    case "retry":
      if (turn.phase.kind === "waiting") return { ...turn, phase: { kind: "sending", retries: turn.phase.cause } };
      return turn.phase.kind === "resuming" ? { ...turn, phase: { kind: "sending" } } : turn;
    case "stop":
      return end(turn, { state: "stopped" }, now);
    case "answer-now":
      return turn.answer || !turn.thinking
        ? turn
        : { ...thoughtUntil(turn, now), thinking: false, reasoningSkipped: true, reasoningStale: true, phase: { kind: "sending" } };
  }
}

function fail(turn: Turn, problem: Problem, now: number, jitter: number): Turn {
  if (problem.code !== "unreachable" && problem.code !== "busy") return end(turn, { state: "failed", problem }, now);
  const fruitless = turn.fruitless + 1;
  const pause = Math.max((problem.retryAfterSeconds ?? 0) * 1000, pauseAfter(fruitless, jitter));
  return { ...interrupted(turn), fruitless, phase: { kind: "waiting", cause: problem.code, until: now + pause } };
}

function cut(turn: Turn, now: number, jitter: number): Turn {
  const fruitless = turn.fruitless + 1;
  const cuts = turn.cuts + 1;
  if (cuts > mostFruitlessCuts) return end(turn, { state: "truncated" }, now);
  return { ...interrupted(turn), fruitless, cuts, phase: { kind: "resuming", until: now + pauseAfter(fruitless, jitter) } };
}

const end = (turn: Turn, ending: Ending, now: number): Turn => ({ ...thoughtUntil(turn, now), phase: { kind: "ended", ending } });

/** Thinking can't be resumed after a cut: the next request starts it again. Token counts arrive only at the end of a stream. */
const interrupted = (turn: Turn): Turn => ({
  ...turn,
  reasoningStale: turn.answer === "",
  reasoningSince: turn.answer ? turn.reasoningSince : undefined,
  tokensBefore: turn.phase.kind === "answering" ? undefined : turn.tokensBefore,
});

const figures = ({ tokensBefore, timings }: Turn, usage: Usage | undefined, last: Timings | undefined) => ({
  tokens: usage && tokensBefore !== undefined ? tokensBefore + usage.completionTokens : undefined,
  timings: last && tokensBefore !== 0 ? { ...last, firstTokenMs: timings?.firstTokenMs } : last,
});

const thoughtUntil = (turn: Turn, now: number): Turn =>
  turn.reasoningSince === undefined || turn.phase.kind !== "thinking"
    ? turn
    : { ...turn, reasoningMs: now - turn.reasoningSince, reasoningSince: undefined };

const pauseAfter = (attempts: number, jitter: number): number => Math.min(250 * 2 ** (attempts - 1), 8000) * (0.75 + 0.5 * jitter);
