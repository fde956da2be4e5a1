import type { Delivery } from "./client.ts";
import type { ChatRequest, Message, Problem, Timings, Usage } from "./wire.ts";

/** How a turn ended: each has its own words and one action in the page. */
export type Ending =
  | { readonly state: "done" | "stopped" | "length" | "thinking-limit" | "truncated" }
  | { readonly state: "failed"; readonly problem: Problem };

export type Phase =
  /** A request is out and nothing has come yet; it may be a new try after a refusal. */
  | { readonly kind: "sending"; readonly retries?: "unreachable" | "busy" }
  | { readonly kind: "thinking" }
  | { readonly kind: "answering" }
  /** The model can't be reached or is busy: the request goes out again at `until`, milliseconds on the clock. */
  | { readonly kind: "waiting"; readonly cause: "unreachable" | "busy"; readonly until: number }
  /** The stream was cut: it is continued at `until`. */
  | { readonly kind: "resuming"; readonly until: number }
  | { readonly kind: "ended"; readonly ending: Ending };

/** One answer on its way: all that is known of it, and what happens next. */
export interface Turn {
  readonly history: readonly Message[];
  readonly thinking: boolean;
  readonly phase: Phase;
  readonly answer: string;
  readonly reasoning: string;
  /** The answer was asked for without this thinking: it isn't part of what is continued. */
  readonly reasoningSkipped: boolean;
  /** A new thought has begun elsewhere: what comes next replaces the old one. */
  readonly reasoningStale: boolean;
  readonly reasoningSince: number | undefined;
  readonly reasoningMs: number | undefined;
  /** Requests in a row that brought no text of the answer: a thought that begins anew is no progress. */
  readonly fruitless: number;
  /** How many of these were cut, not refused: a model may take its time to load, and be cut after that. */
  readonly cuts: number;
  readonly model: string | undefined;
  /** What the last request told of itself. */
  readonly usage: Usage | undefined;
  /** Tokens of the partial answer that the running request goes on from: 0 where there is none, undefined where nobody counted them. */
  readonly tokensBefore: number | undefined;
  /** Tokens of the whole answer with its thinking, once the end has told them. */
  readonly tokens: number | undefined;
  /** The rate is the last request's, the time to the first token that of the request which began the answer. */
  readonly timings: Timings | undefined;
}

export type TurnEvent =
  | Delivery
  /** The pause is over, or there is reason to hope before it is. */
  | { readonly kind: "retry" }
  | { readonly kind: "stop" }
  | { readonly kind: "answer-now" };

/** After so many cuts in a row without a word of the answer between them, which takes most of a minute, the reader is asked. */
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
  /** A partial answer to go on from. */
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

/** The request that the turn needs now: the whole conversation, or the answer so far to go on from. */
export function requestOf(turn: Turn): ChatRequest {
  const { history, thinking, answer, reasoning, reasoningSkipped } = turn;
  const partial: Message[] = answer ? [{ role: "assistant", content: answer, ...(reasoning && !reasoningSkipped && { reasoning }) }] : [];
  return { messages: [...history, ...partial], thinking, continue: answer !== "" };
}

/**
 * What an event makes of a turn. Nothing here waits or asks for time.
 * @param now milliseconds on a clock that only goes forward.
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

/** A thought can't be gone on with: cut in the middle of it, the next request thinks anew. Tokens are told only at a stream's end. */
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
