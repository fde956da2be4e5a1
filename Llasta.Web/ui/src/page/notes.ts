import type { Answer, Exchange } from "../conversation/conversation.ts";
import type { Turn, TurnState } from "../turn/turn.ts";
import type { ModelStatus } from "../turn/wire.ts";
import type { Words } from "../words/index.ts";
import type { Note, NoteAction } from "./note.ts";

/** What a note can offer. */
export interface NoteActions {
  readonly continueAnswer: () => void;
  readonly answerWithoutThinking: () => void;
  readonly regenerate: () => void;
  readonly leaveOutOldest: () => void;
  readonly tryNow: () => void;
  readonly save: () => void;
}

/** A server that loads its model for longer than this may not be running at all, milliseconds. */
export const longLoading = 60_000;

/**
 * The sentence after the first one: what to do about a state, or what the model's server said. The chat API's own
 * sentences are in English; where the page has a hint in the reader's language, that is shown instead.
 */
export function detailOf(
  { state, detail }: { readonly state: TurnState; readonly detail?: string | undefined },
  words: Words,
): string | undefined {
  if (state in words.hints) return words.hints[state as keyof Words["hints"]];
  return state === "context-overflow" || state === "busy" ? undefined : detail;
}

/** The note of a running turn: what it waits for. None while text arrives. */
export function runningNote(
  turn: Turn,
  model: ModelStatus | undefined,
  now: number,
  words: Words,
  { tryNow }: NoteActions,
): Note | undefined {
  const { phase, trouble, answer, restarted } = turn;
  if (phase.kind !== "sending" && phase.kind !== "paused") return restarted ? { tone: "quiet", text: words.restarted } : undefined;
  if (!trouble) {
    if (phase.kind !== "sending") return undefined;
    const queue = model?.waiting ? words.waitingRequests(model.waiting) : undefined;
    return { tone: "quiet", text: words.sending, detail: queue, time: words.elapsed((now - phase.since) / 1000) };
  }
  const left = phase.kind === "paused" ? Math.ceil((phase.until - now) / 1000) : 0;
  const isLong = now - trouble.since > longLoading;
  return {
    tone: "quiet",
    text: troubleText(trouble.cause, answer !== "", model?.state, isLong, words),
    detail:
      trouble.cause === "unreachable" || trouble.cause === "busy"
        ? isLong && model?.state !== "offline"
          ? words.hints.unreachable
          : undefined
        : trouble.detail,
    time: left > 0 ? words.nextTry(words.elapsed(left)) : words.elapsed((now - trouble.since) / 1000),
    actions: [{ label: words.tryNow, run: tryNow }],
  };
}

function troubleText(
  cause: NonNullable<Turn["trouble"]>["cause"],
  hasAnswer: boolean,
  model: ModelStatus["state"] | undefined,
  isLong: boolean,
  words: Words,
): string {
  if (model === "offline") return hasAnswer ? words.waitingOfflineToContinue : words.waitingOffline;
  if (cause === "cut") return words.resuming;
  if (cause === "busy") return words.waitingBusy;
  if (hasAnswer) return words.waitingToContinue;
  if (cause === "error") return words.waitingError;
  if (model === "loading") return isLong ? words.waitingLoadingLong : words.waitingLoading;
  return words.waitingUnreachable;
}

/** The note of an exchange that no turn is running for. Only the last exchange offers an action. */
export function endedNote(
  { answer }: Exchange,
  isLast: boolean,
  leaveOutCount: number | null,
  words: Words,
  actions: NoteActions,
): Note | undefined {
  const state = answer?.state ?? "stopped";
  const text = answer ? textOf(answer, words) : words.noAnswer;
  if (!text) return undefined;
  if (!isLast) return { tone: "quiet", text: answer?.text ? text : `${text} ${words.notSent}` };
  // A complete answer has a detail only if its server ended it for a reason of its own: the text tells it.
  const detail = state === "done" ? undefined : detailOf({ ...answer, state }, words);
  const tone = isProblem(state) ? "problem" : "quiet";
  return { tone, text, detail, actions: actionsOf(answer, leaveOutCount, words, actions) };
}

/** What a state says; empty if there is nothing to say. */
export function textOf({ state, text, edited, detail }: Answer, words: Words): string {
  if (edited && state === "stopped") return words.edited;
  if (state === "done") return detail || (text ? "" : words.emptyAnswer);
  return words.states[state];
}

const isProblem = (state: TurnState): boolean =>
  !(["done", "stopped", "length", "window-full", "thinking-limit"] as readonly TurnState[]).includes(state);

function actionsOf(answer: Answer | undefined, leaveOutCount: number | null, words: Words, actions: NoteActions): NoteAction[] {
  const tryAgain = { label: words.tryAgain, run: actions.continueAnswer };
  if (!answer) return [tryAgain];
  const leaveOut = leaveOutCount !== null && { label: words.leaveOutOldest(leaveOutCount), run: actions.leaveOutOldest };
  switch (answer.state) {
    case "done":
      return answer.text ? [] : [{ label: words.tryAgain, run: actions.regenerate }];
    case "stopped":
    case "length":
    case "truncated":
      return [{ label: words.continue, run: actions.continueAnswer }];
    case "window-full":
      return leaveOut ? [leaveOut] : [];
    case "context-overflow":
      return [leaveOut || tryAgain];
    case "thinking-limit":
      return [{ label: words.answerWithoutThinking, run: actions.answerWithoutThinking }];
    case "repetition":
    case "filtered":
      return [{ label: words.regenerate, run: actions.regenerate }];
    case "signed-out":
      return [{ label: words.exportJson, run: actions.save }, tryAgain];
    default:
      return [tryAgain];
  }
}
