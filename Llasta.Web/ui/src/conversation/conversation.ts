import type { Turn, TurnStart } from "../turn/turn.ts";
import type { EndState, Message, Timings, Usage } from "../turn/wire.ts";

/** What the model said, and how it came to an end. */
export interface Answer {
  readonly text: string;
  readonly reasoning: string;
  /** The reader asked for the answer at once: it wasn't thought out this way. */
  readonly reasoningSkipped: boolean;
  readonly reasoningMs?: number | undefined;
  /** Errors aren't part of an answer: one that broke off is `truncated`, whatever broke it off. */
  readonly state: EndState | "stopped";
  readonly model?: string | undefined;
  /** What the last request for it told of itself: how much of the window is full. */
  readonly usage?: Usage | undefined;
  /** How many tokens it has, its thinking included; unknown where a part of it was cut off before it was counted. */
  readonly tokens?: number | undefined;
  readonly timings?: Timings | undefined;
}

export interface Exchange {
  /** Unique in the page's lifetime. */
  readonly id: number;
  readonly question: string;
  readonly answer?: Answer | undefined;
}

export interface Conversation {
  readonly system: string;
  readonly exchanges: readonly Exchange[];
  /** So many of the oldest exchanges are shown, but no longer sent: the model's window was full. */
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
 * What is sent: neither errors nor thinking nor dropped exchanges. Questions that were never answered
 * stand before the next one, as one message: some models' templates insist on taking turns.
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

/** A turn for the last exchange: a new answer, or more of the one it has. */
export function turnFor(conversation: Conversation, thinking: boolean, goOn: boolean): TurnStart {
  const last = conversation.exchanges.at(-1)!;
  return {
    history: messagesOf(withLast(conversation, { ...last, answer: undefined })),
    thinking,
    ...(goOn && last.answer && { partial: { ...last.answer, answer: last.answer.text } }),
  };
}

/** What a turn leaves behind, if anything came of it; figures of a text that it didn't change stay as they were. */
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
 * How many exchanges to drop from the beginning so that the rest fits. Token counts of single messages aren't
 * known, so characters stand in for them, and a quarter of the window stays free for the answer.
 * @returns how many are dropped then in all; null when even the last exchange alone won't fit.
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
