import type { Turn, TurnStart } from "../turn/turn.ts";
import type { EndState, Message, Timings, Usage } from "../turn/wire.ts";

/** The model's answer, and how it ended. */
export interface Answer {
  readonly text: string;
  readonly reasoning: string;
  /** The reader skipped the thinking, so the answer doesn't follow from it. */
  readonly reasoningSkipped: boolean;
  readonly reasoningMs?: number | undefined;
  /** An error isn't part of an answer: an answer that an error cut off is `truncated`. */
  readonly state: EndState | "stopped";
  readonly model?: string | undefined;
  /** The usage of the last request for it, which says how full the context window is. */
  readonly usage?: Usage | undefined;
  /** Its number of tokens, thinking included; unknown if a part was cut off before it was counted. */
  readonly tokens?: number | undefined;
  readonly timings?: Timings | undefined;
}

export interface Exchange {
  /** Unique as long as the page is open. */
  readonly id: number;
  readonly question: string;
  readonly answer?: Answer | undefined;
}

export interface Conversation {
  readonly system: string;
  readonly exchanges: readonly Exchange[];
  /** The number of oldest exchanges that are shown but no longer sent, because the context window was full. */
  readonly dropped: number;
}

export const emptyConversation: Conversation = { system: "", exchanges: [], dropped: 0 };

export const isEmpty = ({ exchanges }: Conversation): boolean => exchanges.length === 0;

let lastId = 0;

export const newExchange = (question: string, answer?: Answer): Exchange => ({ id: ++lastId, question, answer });

export const withExchange = (conversation: Conversation, exchange: Exchange): Conversation => ({
  ...conversation,
  exchanges: [...conversation.exchanges, exchange],
});

export const withLast = (conversation: Conversation, exchange: Exchange): Conversation => ({
  ...conversation,
  exchanges: [...conversation.exchanges.slice(0, -1), exchange],
});

export const withoutLast = (conversation: Conversation): Conversation => ({
  ...conversation,
  exchanges: conversation.exchanges.slice(0, -1),
  dropped: Math.min(conversation.dropped, Math.max(0, conversation.exchanges.length - 2)),
});

export const withAnswer = (conversation: Conversation, id: number, answer: Answer | undefined): Conversation => ({
  ...conversation,
  exchanges: conversation.exchanges.map((exchange) => (exchange.id === id ? { ...exchange, answer } : exchange)),
});

/**
 * The messages to send: no errors, no thinking, no dropped exchanges. Unanswered questions are joined with the
 * next question into one message, because some models' templates require alternating roles.
 */
export function messagesOf({ system, exchanges, dropped }: Conversation, draft = ""): Message[] {
  const messages: Message[] = system.trim() ? [{ role: "system", content: system }] : [];
  let unanswered: string[] = [];
  for (const { question, answer } of exchanges.slice(dropped)) {
    unanswered.push(question);
    if (!answer?.text) continue;
    messages.push({ role: "user", content: unanswered.join("\n\n") }, { role: "assistant", content: answer.text });
    unanswered = [];
  }
  if (draft.trim()) unanswered.push(draft);
  if (unanswered.length > 0) messages.push({ role: "user", content: unanswered.join("\n\n") });
  return messages;
}

/** The start of a turn for the last exchange: for a new answer, or to continue the partial one. */
export function turnFor(conversation: Conversation, thinking: boolean, continues: boolean): TurnStart {
  const last = conversation.exchanges.at(-1)!;
  return {
    history: messagesOf(withLast(conversation, { ...last, answer: undefined })),
    thinking,
    ...(continues && last.answer && { partial: { ...last.answer, answer: last.answer.text } }),
  };
}

/** The answer that a turn produced, if any. If the turn didn't change the text, its figures are kept. */
export function answerOf(turn: Turn, old: Answer | undefined): Answer | undefined {
  const { answer: text, reasoning, reasoningMs, reasoningSkipped, phase } = turn;
  const state = phase.kind !== "ended" || phase.ending.state === "failed" ? "truncated" : phase.ending.state;
  const told = phase.kind === "ended" && phase.ending.state !== "failed" && phase.ending.state !== "stopped";
  if (!text && !reasoning && !told) return undefined;
  const model = turn.model ?? old?.model;
  const { usage, tokens, timings } = old && !turn.usage && text === old.text ? old : turn;
  return { text, reasoning, reasoningSkipped, reasoningMs, state, model, usage, tokens, timings };
}

/**
 * How many exchanges to drop from the beginning so that the rest fits. The token counts of single messages aren't
 * known, so they are estimated from the number of characters. A quarter of the window is left for the answer.
 * @returns the total number of dropped exchanges; null if even the last exchange alone doesn't fit.
 */
export function dropToFit(conversation: Conversation, promptTokens?: number, contextWindow?: number): number | null {
  const { exchanges, dropped, system } = conversation;
  const most = exchanges.length - 1;
  if (dropped >= most) return null;
  if (!promptTokens || !contextWindow) return dropped + Math.ceil((most - dropped) / 2);
  const length = ({ question, answer }: Exchange) => question.length + (answer?.text.length ?? 0);
  const sent = exchanges.slice(dropped);
  let characters = system.length + sent.reduce((sum, exchange) => sum + length(exchange), 0);
  const tokensPerCharacter = promptTokens / Math.max(1, characters);
  for (let more = 1; dropped + more <= most; more++) {
    characters -= length(sent[more - 1]!);
    if (characters * tokensPerCharacter <= contextWindow * 0.75) return dropped + more;
  }
  return most;
}
