import type { Ending, Turn, TurnStart } from "../turn/turn.ts";
import type { Message, Timings, Usage } from "../turn/wire.ts";
import { type Draft, draftOf, textOf } from "./draft.ts";

/** The model's answer, and how it ended: its state is kept for good, but never sent. A failed answer may have no text. */
export interface Answer extends Ending {
  readonly text: string;
  readonly reasoning: string;
  /** The reader skipped the thinking, so the answer doesn't follow from it. */
  readonly reasoningSkipped: boolean;
  readonly reasoningMs?: number | undefined;
  /** The reader changed the text. */
  readonly edited?: boolean | undefined;
  readonly model?: string | undefined;
  /** The usage of the last request for it, which says how full the context window is. */
  readonly usage?: Usage | undefined;
  /** Its number of tokens, thinking included; unknown if a part was cut off before it was counted. */
  readonly tokens?: number | undefined;
  /** How long its text took to arrive, milliseconds. */
  readonly streamedMs?: number | undefined;
  readonly timings?: Timings | undefined;
}

export interface Exchange {
  /** Unique as long as the page is open. */
  readonly id: number;
  readonly question: Draft;
  /** What the reader wanted to be different about the answer: it is sent after the question. */
  readonly wish?: string | undefined;
  readonly answer?: Answer | undefined;
  /** It is shown, but not sent: the context window was full, or the reader left it out. */
  readonly leftOut?: boolean | undefined;
  readonly versions?: Versions | undefined;
}

/** What stood in the place of an exchange before or after its version on screen. */
export interface Versions {
  readonly earlier: readonly Branch[];
  readonly later: readonly Branch[];
}

/** One version of an exchange, and everything that followed it. */
export type Branch = readonly Exchange[];

export interface Conversation {
  readonly system: string;
  /** The versions on screen. */
  readonly exchanges: readonly Exchange[];
}

export const emptyConversation: Conversation = { system: "", exchanges: [] };

export const isEmpty = ({ exchanges }: Conversation): boolean => exchanges.length === 0;

let lastId = 0;

export const newExchange = (question: Draft, answer?: Answer, wish?: string): Exchange => ({
  id: ++lastId,
  question,
  answer,
  ...(wish && { wish }),
});

/** A question as the model reads it. */
export const questionOf = ({ question, wish }: Exchange): string => [textOf(question), wish].filter(Boolean).join("\n\n");

export const withExchange = (conversation: Conversation, exchange: Exchange): Conversation => ({
  ...conversation,
  exchanges: [...conversation.exchanges, exchange],
});

export const withoutLast = (conversation: Conversation): Conversation => ({
  ...conversation,
  exchanges: conversation.exchanges.slice(0, -1),
});

/** Changes the exchange with this id, if it is on screen. */
export const withChanged = (conversation: Conversation, id: number, change: (exchange: Exchange) => Exchange): Conversation => ({
  ...conversation,
  exchanges: conversation.exchanges.map((exchange) => (exchange.id === id ? change(exchange) : exchange)),
});

/** Puts a new version in the place of an exchange. The old version is kept with everything that followed it. */
export function withVersion(conversation: Conversation, id: number, exchange: Exchange): Conversation {
  const { exchanges } = conversation;
  const index = exchanges.findIndex((old) => old.id === id);
  const { versions, ...first } = exchanges[index]!;
  const earlier = [...(versions?.earlier ?? []), ...(versions?.later ?? []), [first, ...exchanges.slice(index + 1)]];
  return { ...conversation, exchanges: [...exchanges.slice(0, index), { ...exchange, versions: { earlier, later: [] } }] };
}

/** Shows the version before or after the one on screen, with everything that followed it. */
export function showVersion(conversation: Conversation, id: number, direction: "earlier" | "later"): Conversation {
  const { exchanges } = conversation;
  const index = exchanges.findIndex((exchange) => exchange.id === id);
  const { versions = { earlier: [], later: [] }, ...first } = exchanges[index]!;
  const shown: Branch = [first, ...exchanges.slice(index + 1)];
  const [next, earlier, later] =
    direction === "earlier"
      ? [versions.earlier.at(-1), versions.earlier.slice(0, -1), [shown, ...versions.later]]
      : [versions.later[0], [...versions.earlier, shown], versions.later.slice(1)];
  if (!next) return conversation;
  const [head, ...rest] = next;
  return { ...conversation, exchanges: [...exchanges.slice(0, index), { ...head!, versions: { earlier, later } }, ...rest] };
}

/** Which of its versions an exchange is, from 1 on. */
export const versionOf = ({ versions }: Exchange): { readonly number: number; readonly count: number } => ({
  number: (versions?.earlier.length ?? 0) + 1,
  count: (versions?.earlier.length ?? 0) + (versions?.later.length ?? 0) + 1,
});

/** Whether an exchange before the last one is sent: it isn't left out, and its question was answered. */
export const isSent = ({ answer, leftOut }: Exchange): boolean => !leftOut && Boolean(answer?.text);

/**
 * The messages to send: the system prompt, the answered exchanges, and a draft. Errors, thinking, unanswered questions
 * and exchanges that were left out aren't sent.
 */
export function messagesOf({ system, exchanges }: Conversation, draft?: Draft): Message[] {
  const messages: Message[] = system.trim() ? [{ role: "system", content: system }] : [];
  for (const exchange of exchanges.filter(isSent)) {
    const content = questionOf(exchange);
    if (content) messages.push({ role: "user", content });
    messages.push({ role: "assistant", content: exchange.answer!.text });
  }
  const content = draft && textOf(draft);
  if (content?.trim()) messages.push({ role: "user", content });
  return messages;
}

/** The start of a turn for the last exchange: for a new answer, or to continue the partial one. */
export function turnFor(conversation: Conversation, thinking: boolean, continues: boolean): TurnStart {
  const last = conversation.exchanges.at(-1)!;
  const { answer } = last;
  return {
    history: messagesOf(withoutLast(conversation), draftOf(questionOf(last))),
    thinking,
    ...(continues && answer && { partial: { ...answer, answer: answer.text } }),
  };
}

/** The answer that a turn produced, if any. If the turn didn't change the text, its figures are kept. */
export function answerOf(turn: Turn, old: Answer | undefined): Answer | undefined {
  const { answer: text, reasoning, reasoningMs, reasoningSkipped, phase } = turn;
  const ending: Ending = phase.kind === "ended" ? phase.ending : { state: "stopped" };
  if (!text && !reasoning && ending.state === "stopped") return undefined;
  const model = turn.model ?? old?.model;
  const { usage, tokens, streamedMs, timings } = old && !turn.usage && text === old.text ? old : turn;
  return { ...ending, text, reasoning, reasoningSkipped, reasoningMs, model, usage, tokens, streamedMs, timings };
}

const lengthOf = (exchange: Exchange): number => questionOf(exchange).length + (exchange.answer?.text.length ?? 0);

/**
 * How many of the oldest exchanges to leave out so that the rest fits. The token counts of single messages aren't known,
 * so they are estimated from the number of characters. A quarter of the window is left for the answer.
 * @returns null if there is nothing left to leave out.
 */
export function leaveOutToFit(conversation: Conversation, promptTokens?: number, contextWindow?: number): number | null {
  const last = conversation.exchanges.at(-1);
  if (!last) return null;
  const sent = withoutLast(conversation).exchanges.filter(isSent);
  if (sent.length === 0) return null;
  if (!promptTokens || !contextWindow) return Math.ceil(sent.length / 2);
  let characters = conversation.system.length + [...sent, last].reduce((sum, exchange) => sum + lengthOf(exchange), 0);
  const tokensPerCharacter = promptTokens / Math.max(1, characters);
  for (const [i, exchange] of sent.entries()) {
    characters -= lengthOf(exchange);
    if (characters * tokensPerCharacter <= contextWindow * 0.75) return i + 1;
  }
  return sent.length;
}

/** Leaves out this many more of the oldest exchanges, never the last one. */
export function withOldestLeftOut(conversation: Conversation, count: number): Conversation {
  const oldest = new Set(withoutLast(conversation).exchanges.filter(isSent).slice(0, count));
  const lastLeftOut = conversation.exchanges.findLastIndex((exchange) => oldest.has(exchange));
  // Unanswered questions in between aren't sent anyway: they are on the same side of the line that the page draws.
  return {
    ...conversation,
    exchanges: conversation.exchanges.map((exchange, i) => (i <= lastLeftOut ? { ...exchange, leftOut: true } : exchange)),
  };
}
