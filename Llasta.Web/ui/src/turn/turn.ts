import type { Delivery } from "./client.ts";
import type { ChatRequest, EndState, Message, Problem, ProblemCode, Sampling, Timings, Usage } from "./wire.ts";

/** The state in which a turn ended. Each has its own words and at most one action in the page. */
export type TurnState = EndState | "stopped" | ProblemCode;

export interface Ending {
  readonly state: TurnState;
  /** The server's own sentence, if it gave one. */
  readonly detail?: string | undefined;
  /** With `context-overflow`, if the server told them. */
  readonly promptTokens?: number | undefined;
  readonly contextWindow?: number | undefined;
}

export type Phase =
  /** A request was sent at `since`, and nothing has arrived yet. All times are milliseconds on the turn's clock. */
  | { readonly kind: "sending"; readonly since: number }
  | { readonly kind: "thinking" }
  | { readonly kind: "answering" }
  /** The next request is sent at `until`. {@link Turn.trouble} says why. */
  | { readonly kind: "paused"; readonly until: number }
  | { readonly kind: "ended"; readonly ending: Ending };

/** Why a turn pauses, and why the request after the pause is a retry. */
export interface Trouble {
  /** `cut`: the stream broke. `error`: the server failed before the stream. */
  readonly cause: "cut" | "unreachable" | "busy" | "error";
  /** The server's own sentence, or empty. */
  readonly detail: string;
  /** When it began, milliseconds on the turn's clock. */
  readonly since: number;
}

/** The reader's sampling for each mode: a model that thinks first wants another one. */
export interface SamplingByMode {
  readonly thinking: Sampling;
  readonly direct: Sampling;
}

export const defaultSampling: SamplingByMode = { thinking: {}, direct: {} };

/** One answer in progress: everything known about it, and what happens next. */
export interface Turn {
  readonly history: readonly Message[];
  readonly thinking: boolean;
  readonly sampling: SamplingByMode;
  /** The model that the reader has chosen, for all requests of the turn; undefined: the default. */
  readonly chosenModel: string | undefined;
  readonly phase: Phase;
  readonly answer: string;
  readonly reasoning: string;
  /** The reader skipped this thinking: it isn't sent when the answer is continued. */
  readonly reasoningSkipped: boolean;
  /** The thinking starts again from the beginning: the next piece replaces the old text. */
  readonly reasoningStale: boolean;
  /** The server generates the whole answer again: the next piece replaces what is there. */
  readonly answerStale: boolean;
  /** The server did not continue the answer, so this one took the place of the partial one. */
  readonly restarted: boolean;
  readonly reasoningSince: number | undefined;
  readonly reasoningMs: number | undefined;
  /** Set from the first cut or refusal until text arrives again. */
  readonly trouble: Trouble | undefined;
  /** How often the answer was cut and continued. */
  readonly continuations: number;
  /** Consecutive requests that were refused; the count starts again at the first server error. */
  readonly refusals: number;
  readonly model: string | undefined;
  readonly contextWindow: number | undefined;
  /** The usage of the last request. */
  readonly usage: Usage | undefined;
  /** Tokens of the partial answer that the running request continues: 0 if there is none, undefined if they weren't counted. */
  readonly tokensBefore: number | undefined;
  /** Tokens of the whole answer and its thinking, known once the stream has ended. */
  readonly tokens: number | undefined;
  /** How long text arrived in the requests before the running one, milliseconds; undefined if that isn't known. */
  readonly streamedBefore: number | undefined;
  /** When the running request's first and last text arrived, milliseconds on the turn's clock. */
  readonly received: { readonly first: number; readonly last: number } | undefined;
  /** How long text arrived in all requests, milliseconds. */
  readonly streamedMs: number | undefined;
  /** The figures of the whole answer, over all its requests. */
  readonly timings: Timings | undefined;
}

export type TurnEvent =
  | Delivery
  /** The pause is over, or a retry before its end is worthwhile. */
  | { readonly kind: "retry" }
  | { readonly kind: "stop" }
  | { readonly kind: "answer-now" };

/** One answer is continued at most this often, which takes most of a minute of pauses. Then the reader decides. */
export const maxContinuations = 10;

/** The pauses before a server's error is retried, milliseconds. With their jitter they are shorter than a minute together. */
const errorPauses = [2_000, 8_000, 24_000];

/** After a cut, errors are retried for as long as a model's server may need to start, milliseconds. */
const longestStart = 30 * 60_000;

export interface PartialAnswer {
  readonly answer: string;
  readonly reasoning: string;
  readonly reasoningMs?: number | undefined;
  readonly reasoningSkipped: boolean;
  readonly tokens?: number | undefined;
  readonly streamedMs?: number | undefined;
  readonly timings?: Timings | undefined;
}

export interface TurnStart {
  /** The conversation, ending with the user's message. */
  readonly history: readonly Message[];
  readonly thinking: boolean;
  readonly sampling?: SamplingByMode;
  readonly chosenModel?: string | undefined;
  /** A partial answer to continue. */
  readonly partial?: PartialAnswer | undefined;
}

/** @param now milliseconds on a monotonic clock. */
export const beginTurn = ({ history, thinking, sampling = defaultSampling, chosenModel, partial }: TurnStart, now = 0): Turn => ({
  history,
  thinking,
  sampling,
  chosenModel,
  phase: { kind: "sending", since: now },
  answer: partial?.answer ?? "",
  reasoning: partial?.reasoning ?? "",
  reasoningSkipped: partial?.reasoningSkipped ?? false,
  reasoningStale: !partial?.answer && !(thinking && partial?.reasoning && !partial.reasoningSkipped),
  answerStale: false,
  restarted: false,
  reasoningSince: undefined,
  reasoningMs: partial?.reasoningMs,
  trouble: undefined,
  continuations: 0,
  refusals: 0,
  model: undefined,
  contextWindow: undefined,
  usage: undefined,
  tokensBefore: partial?.answer ? partial.tokens : 0,
  tokens: undefined,
  streamedBefore: partial?.answer ? partial.streamedMs : 0,
  received: undefined,
  streamedMs: undefined,
  timings: partial?.answer ? partial.timings : undefined,
});

/** The request that the turn needs now: the conversation, followed by the partial answer if there is one. */
export function requestOf(turn: Turn): ChatRequest {
  const { history, thinking, answer, reasoning, reasoningSkipped, chosenModel } = turn;
  const continues = answer !== "" || resumesThought(turn);
  const partial: Message[] = continues
    ? [{ role: "assistant", content: answer, ...(reasoning && !reasoningSkipped && { reasoning }) }]
    : [];
  const sampling = thinking ? turn.sampling.thinking : turn.sampling.direct;
  const isDefault = Object.keys(sampling).length === 0;
  return {
    messages: [...history, ...partial],
    thinking,
    continue: continues,
    ...(!isDefault && { sampling }),
    ...(chosenModel && { model: chosenModel }),
  };
}

/** The answer hasn't begun, and the next request goes on inside the thought. */
const resumesThought = ({ thinking, answer, reasoning, reasoningSkipped, reasoningStale }: Turn): boolean =>
  thinking && answer === "" && reasoning !== "" && !reasoningSkipped && !reasoningStale;

/**
 * Returns the turn after an event. A pure function: it neither waits nor reads a clock.
 * @param now milliseconds on a monotonic clock.
 * @param jitter from 0 to 1: spreads the retries of many pages over time.
 */
export function step(turn: Turn, event: TurnEvent, now: number, jitter = 0.5): Turn {
  if (turn.phase.kind === "ended") return turn;
  switch (event.kind) {
    case "start":
      return { ...turn, model: event.start.model, contextWindow: event.start.contextWindow };
    case "restart":
      return { ...turn, restarted: turn.answer !== "", answerStale: true, reasoningStale: true, tokensBefore: 0, streamedBefore: 0 };
    case "all-reasoning":
      return { ...turn, phase: { kind: "thinking" }, reasoning: turn.reasoning + turn.answer, answer: "", reasoningStale: false };
    case "reasoning":
      return {
        ...receive(turn, now),
        phase: turn.phase.kind === "thinking" ? turn.phase : { kind: "thinking" },
        answer: turn.answerStale ? "" : turn.answer,
        answerStale: false,
        reasoning: turn.reasoningStale ? event.text : turn.reasoning + event.text,
        reasoningStale: false,
        reasoningSkipped: false,
        reasoningSince: turn.reasoningStale ? now : (turn.reasoningSince ?? now),
      };
    case "answer":
      return {
        ...receive(thoughtUntil(turn, now), now),
        phase: turn.phase.kind === "answering" ? turn.phase : { kind: "answering" },
        answer: turn.answerStale ? event.text : turn.answer + event.text,
        // A new answer without thinking has none of the old one's.
        reasoning: turn.answerStale ? "" : turn.reasoning,
        answerStale: false,
      };
    case "end": {
      const { state, detail, usage, timings } = event.end;
      if (state === "truncated") return cut(turn, detail ?? "", now, jitter);
      return { ...end(turn, { state, ...(detail && { detail }) }, now), usage, ...figures(turn, usage, timings) };
    }
    case "cut":
      return cut(turn, "", now, jitter);
    case "failed":
      return fail(turn, event.problem, now, jitter);
    case "retry":
      return turn.phase.kind === "paused" ? { ...turn, phase: { kind: "sending", since: now } } : turn;
    case "stop":
      return end(turn, { state: "stopped" }, now);
    case "answer-now":
      return turn.answer || !turn.thinking
        ? turn
        : {
            ...interrupted(thoughtUntil(turn, now)),
            thinking: false,
            reasoningSkipped: true,
            reasoningStale: true,
            phase: { kind: "sending", since: now },
          };
  }
}

/** Text arrives: whatever was wrong is over. */
const receive = (turn: Turn, now: number): Turn => {
  const { phase, received, timings, tokensBefore } = turn;
  const isFirst = phase.kind === "sending" && tokensBefore === 0 && timings?.firstTokenMs === undefined;
  return {
    ...turn,
    trouble: undefined,
    refusals: 0,
    received: { first: received?.first ?? now, last: now },
    timings: isFirst ? { ...timings, firstTokenMs: now - phase.since } : timings,
  };
};

function fail(turn: Turn, problem: Problem, now: number, jitter: number): Turn {
  const { code, detail } = problem;
  const cause = code === "unreachable" || code === "busy" ? code : canRetry(turn, problem, now) ? "error" : undefined;
  if (!cause) return end(turn, endingOf(problem), now);
  const refusals = (cause === "error" ? errorsOf(turn) : turn.refusals) + 1;
  const own = cause === "error" && turn.continuations === 0 ? jittered(errorPauses[refusals - 1]!, jitter) : pauseAfter(refusals, jitter);
  const pause = Math.max((problem.retryAfterSeconds ?? 0) * 1000, own);
  return { ...interrupted(turn), ...trouble(turn, cause, detail, now), refusals, phase: { kind: "paused", until: now + pause } };
}

/** A server's error before the stream cost nothing, so it is retried: a few times, or after a cut until the server is back. */
function canRetry(turn: Turn, { code, retryable }: Problem, now: number): boolean {
  if (code !== "model-error" || !retryable || turn.phase.kind !== "sending") return false;
  return turn.continuations > 0 ? now - (turn.trouble?.since ?? now) < longestStart : errorsOf(turn) < errorPauses.length;
}

/** The number of server errors in a row. */
const errorsOf = ({ trouble, refusals }: Turn): number => (trouble?.cause === "error" ? refusals : 0);

const endingOf = ({ code, detail, promptTokens, contextWindow }: Problem): Ending => ({
  state: code,
  ...(detail && { detail }),
  ...(promptTokens !== undefined && { promptTokens }),
  ...(contextWindow !== undefined && { contextWindow }),
});

function cut(turn: Turn, detail: string, now: number, jitter: number): Turn {
  const continuations = turn.continuations + 1;
  if (continuations > maxContinuations) return end(turn, { state: "truncated", ...(detail && { detail }) }, now);
  return {
    ...interrupted(turn),
    ...trouble(turn, "cut", detail, now),
    continuations,
    refusals: 0,
    phase: { kind: "paused", until: now + pauseAfter(continuations, jitter) },
  };
}

/** An answer that was cut stays cut while its continuation is refused: the server's last sentence counts. */
const trouble = ({ trouble: old }: Turn, cause: Trouble["cause"], detail: string, now: number): { readonly trouble: Trouble } => ({
  trouble: { cause, detail: detail || (old?.cause === cause ? old.detail : ""), since: old?.since ?? now },
});

const end = (turn: Turn, ending: Ending, now: number): Turn => ({
  ...thoughtUntil(turn, now),
  streamedMs: streamedMs(turn),
  phase: { kind: "ended", ending },
});

const streamedMs = ({ streamedBefore, received }: Turn): number | undefined =>
  streamedBefore === undefined ? undefined : streamedBefore + (received ? received.last - received.first : 0);

/** The next request continues the answer, or the thought. Token counts arrive only at the end of a stream. */
const interrupted = (turn: Turn): Turn => {
  const continues = turn.answer !== "" || resumesThought(turn);
  const isReceiving = turn.phase.kind === "answering" || turn.phase.kind === "thinking";
  return {
    ...turn,
    answerStale: false,
    reasoningStale: !continues,
    reasoningSince: continues ? turn.reasoningSince : undefined,
    tokensBefore: !continues ? 0 : isReceiving ? undefined : turn.tokensBefore,
    // A thought that is thrown away doesn't count towards the answer's time.
    streamedBefore: continues ? streamedMs(turn) : 0,
    received: undefined,
    timings: continues ? turn.timings : undefined,
  };
};

/** The server's figures are those of its last request; an answer of several requests has the figures of all of them. */
function figures(turn: Turn, usage: Usage | undefined, last: Timings | undefined): Pick<Turn, "tokens" | "timings"> {
  const { tokensBefore, timings } = turn;
  const tokens = usage && tokensBefore !== undefined ? tokensBefore + usage.completionTokens : undefined;
  if (tokensBefore === 0) return { tokens, timings: last };
  return { tokens, timings: { ...wholeAnswer(tokens, streamedMs(turn)), firstTokenMs: timings?.firstTokenMs } };
}

/** The rate of an answer that took several requests. */
export const wholeAnswer = (tokens: number | undefined, ms: number | undefined): Timings =>
  tokens && ms ? { tokensPerSecond: tokens / (ms / 1000) } : {};

const thoughtUntil = (turn: Turn, now: number): Turn =>
  turn.reasoningSince === undefined || turn.phase.kind !== "thinking"
    ? turn
    : { ...turn, reasoningMs: now - turn.reasoningSince, reasoningSince: undefined };

const jittered = (ms: number, jitter: number): number => ms * (0.75 + 0.5 * jitter);

const pauseAfter = (attempts: number, jitter: number): number => jittered(Math.min(250 * 2 ** (attempts - 1), 8000), jitter);
