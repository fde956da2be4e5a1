import type { ChatClient } from "../turn/client.ts";
import { type Clock, systemClock, TurnRun } from "../turn/run.ts";
import { defaultSampling, type Ending, type Turn, type TurnStart, type TurnState, wholeAnswer } from "../turn/turn.ts";
import {
  answerOf,
  type Conversation,
  emptyConversation,
  type Exchange,
  leaveOutToFit,
  newExchange,
  showVersion,
  turnFor,
  withChanged,
  withExchange,
  withOldestLeftOut,
  withoutLast,
  withVersion,
} from "./conversation.ts";
import { type Draft, draftOf, isSameDraft } from "./draft.ts";

/** What the page shows at the message box; it never becomes part of the conversation. */
export type Notice =
  /** The message was returned to the message box. */
  | { readonly kind: "draft-back"; readonly ending: Ending }
  /** The new answer failed, so the earlier one was kept. */
  | { readonly kind: "answer-restored"; readonly ending: Ending };

/** What changed: only the running turn, or anything in the session. */
export type Change = "turn" | "session";

/** After these, an answer is as complete as it gets, and a queued message is sent. */
const complete: readonly TurnState[] = ["done", "length"];

/** These are about the message itself: its writer has to change it. */
const refusals: readonly TurnState[] = ["invalid-request", "too-large", "forbidden-origin"];

/** Everything a reader can do with the page's one conversation and its running turn. */
export class Session {
  thinking = true;
  sampling = defaultSampling;
  readonly #client: ChatClient;
  readonly #clock: Clock;
  readonly #listeners: ((change: Change) => void)[] = [];
  #conversation = emptyConversation;
  #run: TurnRun | undefined;
  #notice: Notice | undefined;
  #queued: Draft | undefined;
  /** The conversation to return to if the running turn brings no new answer. */
  #earlier: Conversation | undefined;

  constructor(client: ChatClient, clock: Clock = systemClock) {
    this.#client = client;
    this.#clock = clock;
  }

  get conversation(): Conversation {
    return this.#conversation;
  }

  /** The conversation as it would be if the running turn were stopped now. */
  get asStopped(): Conversation {
    const turn = this.turn;
    return turn ? (this.#restored(turn) ?? this.#kept(turn)) : this.#conversation;
  }

  /** The turn that is running for the last exchange, if any. */
  get turn(): Turn | undefined {
    return this.#run?.turn;
  }

  get notice(): Notice | undefined {
    return this.#notice;
  }

  /** The message that is sent when the running turn is complete. */
  get queued(): Draft | undefined {
    return this.#queued;
  }

  get now(): number {
    return this.#clock.now();
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  /** Called with a message that could not be sent, so that the writer gets it back. */
  onDraftBack: (draft: Draft) => void = () => {};

  /** Asks a question; while a turn runs, the question waits for its end. */
  async send(question: Draft): Promise<void> {
    if (this.#run) {
      const { text, attachments } = this.#queued ?? { text: "", attachments: [] };
      this.#queued = draftOf([text, question.text].filter(Boolean).join("\n\n"), [...attachments, ...question.attachments]);
      this.#tell("session");
      return;
    }
    await this.#ask(withExchange(this.#conversation, newExchange(question)));
  }

  /** Takes the queued message back. */
  unqueue(): Draft | undefined {
    const queued = this.#queued;
    this.#queued = undefined;
    this.#tell("session");
    return queued;
  }

  /** Asks a question again in other words, as a new version. The old version is kept. */
  async edit(id: number, question: Draft): Promise<void> {
    if (this.#run || !this.#has(id)) return;
    await this.#ask(withVersion(this.#conversation, id, newExchange(question)), this.#conversation);
  }

  /** Asks the same question again, as a new version: with the same wish as before, or with a new one. */
  async regenerate(id = this.#last.id, wish?: string): Promise<void> {
    const exchange = this.#conversation.exchanges.find((exchange) => exchange.id === id);
    if (this.#run || !exchange) return;
    // Nothing would be kept: neither text nor thinking.
    if (exchange === this.#last && !exchange.answer?.text && !exchange.answer?.reasoning && !wish) {
      await this.#ask(withChanged(this.#conversation, id, (exchange) => ({ ...exchange, answer: undefined })));
      return;
    }
    await this.#ask(
      withVersion(this.#conversation, id, newExchange(exchange.question, undefined, wish ?? exchange.wish)),
      this.#conversation,
    );
  }

  /** Changes an answer, as a new version. */
  editAnswer(id: number, text: string): void {
    const exchange = this.#conversation.exchanges.find((exchange) => exchange.id === id);
    if (this.#run || !exchange?.answer) return;
    const { reasoning, reasoningMs, reasoningSkipped, model } = exchange.answer;
    const answer = { text, reasoning, reasoningMs, reasoningSkipped, model, state: "stopped", edited: true } as const;
    this.#change(withVersion(this.#conversation, id, newExchange(exchange.question, answer, exchange.wish)));
  }

  showVersion(id: number, direction: "earlier" | "later"): void {
    if (!this.#run && this.#has(id)) this.#change(showVersion(this.#conversation, id, direction));
  }

  /** Leaves an exchange out of what is sent, or takes it in again. */
  leaveOut(id: number, leftOut: boolean): void {
    this.#conversation = withChanged(this.#conversation, id, (exchange) => ({ ...exchange, leftOut }));
    this.#tell("session");
  }

  /** Continues the last answer, or asks again if there is none yet. */
  continueAnswer(): Promise<void> {
    return this.#begin(this.#conversation, turnFor(this.#conversation, this.thinking, true));
  }

  answerWithoutThinking(): Promise<void> {
    const start = turnFor(this.#conversation, false, true);
    return this.#begin(this.#conversation, { ...start, partial: start.partial && { ...start.partial, reasoningSkipped: true } });
  }

  /** How many exchanges would be left out, if the conversation no longer fits the context window. */
  get leaveOutCount(): number | null {
    const answer = this.#conversation.exchanges.at(-1)?.answer;
    if (answer?.state === "context-overflow") return leaveOutToFit(this.#conversation, answer.promptTokens, answer.contextWindow);
    if (answer?.state !== "window-full") return null;
    const used = answer.usage && answer.usage.promptTokens + answer.usage.completionTokens;
    return leaveOutToFit(this.#conversation, used, used);
  }

  /** Leaves out the oldest exchanges, and continues. */
  leaveOutOldest(): Promise<void> {
    this.#conversation = withOldestLeftOut(this.#conversation, this.leaveOutCount ?? 0);
    return this.continueAnswer();
  }

  stop(): void {
    this.#run?.stop();
  }

  answerNow(): void {
    this.#run?.answerNow();
  }

  retryNow(): void {
    this.#run?.retryNow();
  }

  tryNow(): void {
    this.#run?.tryNow();
  }

  /** Replaces the conversation. @returns the previous one. */
  replace(conversation: Conversation): Conversation {
    const old = this.asStopped;
    const run = this.#run;
    this.#run = undefined;
    run?.stop();
    this.#change(conversation);
    if (this.#queued) this.#returnQueued();
    return old;
  }

  setSystem(system: string): void {
    this.#conversation = { ...this.#conversation, system };
    this.#tell("session");
  }

  get #last(): Exchange {
    return this.#conversation.exchanges.at(-1)!;
  }

  #has(id: number): boolean {
    return this.#conversation.exchanges.some((exchange) => exchange.id === id);
  }

  #change(conversation: Conversation): void {
    this.#conversation = conversation;
    this.#notice = undefined;
    this.#tell("session");
  }

  #ask(conversation: Conversation, earlier?: Conversation): Promise<void> {
    return this.#begin(conversation, turnFor(conversation, this.thinking, false), earlier);
  }

  async #begin(conversation: Conversation, start: TurnStart, earlier?: Conversation): Promise<void> {
    if (this.#run) return;
    this.#earlier = earlier;
    this.#conversation = conversation;
    this.#notice = undefined;
    const run = new TurnRun(
      { ...start, sampling: this.sampling, chosenModel: this.#client.chosenModel },
      { client: this.#client, clock: this.#clock, onChange: () => this.#run && this.#tell("turn") },
    );
    this.#run = run;
    this.#tell("session");
    await run.ended;
    if (this.#run !== run) return;
    this.#run = undefined;
    this.#finish(run.turn);
    this.#tell("session");
    if (this.#queued) {
      if (complete.includes(this.#conversation.exchanges.at(-1)?.answer?.state ?? "stopped") && !this.#notice) await this.#sendQueued();
      else this.#returnQueued();
    }
  }

  #sendQueued(): Promise<void> {
    const queued = this.#queued!;
    this.#queued = undefined;
    return this.send(queued);
  }

  #returnQueued(): void {
    this.onDraftBack(this.unqueue()!);
  }

  #finish(turn: Turn): void {
    if (turn.phase.kind !== "ended") return;
    const { ending } = turn.phase;
    const { id, question } = this.#last;
    const restored = this.#restored(turn);
    if (restored) {
      this.#conversation = restored;
      this.#notice = { kind: "answer-restored", ending };
      if (!this.#conversation.exchanges.some((exchange) => isSameDraft(exchange.question, question))) this.onDraftBack(question);
      return;
    }
    this.#conversation = this.#kept(turn);
    if (!turn.answer && !turn.reasoning && this.#isWritersTurn(ending)) {
      this.#conversation = withoutLast(this.#conversation);
      this.#notice = { kind: "draft-back", ending };
      this.onDraftBack(question);
    } else if (turn.tokens === undefined && turn.usage) {
      void this.#count(id, turn);
    }
  }

  /** Nothing came of the message, and its writer has to change it or to send it again. */
  #isWritersTurn({ state }: Ending): boolean {
    return state === "stopped" || refusals.includes(state) || (state === "context-overflow" && this.leaveOutCount === null);
  }

  /** The server tells the tokens of its last request only: for an answer that was cut it counts the rest. */
  async #count(id: number, { history, thinking, usage, streamedMs }: Turn): Promise<void> {
    const before = await this.#client.tokens(history, thinking).catch(() => null);
    const tokens = before ? usage!.promptTokens + usage!.completionTokens - before.count : 0;
    if (tokens <= 0) return;
    this.#conversation = withChanged(this.#conversation, id, ({ answer, ...exchange }) => ({
      ...exchange,
      answer: answer && { ...answer, tokens, timings: { ...answer.timings, ...wholeAnswer(tokens, streamedMs) } },
    }));
    this.#tell("session");
  }

  /** The conversation with the earlier answer, if the new one delivered no text, or nothing at all where the earlier one has no text either. */
  #restored({ answer, reasoning }: Turn): Conversation | undefined {
    const earlier = this.#earlier?.exchanges[this.#conversation.exchanges.length - 1];
    if (!this.#earlier || answer || (reasoning && !earlier?.answer?.text)) return undefined;
    return { ...this.#earlier, system: this.#conversation.system };
  }

  /** The conversation with the answer that a turn produced. */
  #kept(turn: Turn): Conversation {
    return withChanged(this.#conversation, this.#last.id, (exchange) => ({ ...exchange, answer: answerOf(turn, exchange.answer) }));
  }

  /** A listener that throws is reported as an uncaught error; it stops neither the turn nor the other listeners. */
  #tell(change: Change): void {
    for (const listener of this.#listeners)
      try {
        listener(change);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
  }
}
