import type { ChatClient } from "../turn/client.ts";
import { systemClock, TurnRun, type Clock } from "../turn/run.ts";
import type { Ending, Turn, TurnStart } from "../turn/turn.ts";
import type { Problem } from "../turn/wire.ts";
import {
  answerOf,
  dropToFit,
  emptyConversation,
  newExchange,
  turnFor,
  withAnswer,
  withExchange,
  withLast,
  withoutLast,
  type Conversation,
} from "./conversation.ts";

/** What the page shows beside the conversation; it never becomes part of the conversation. */
export type Notice =
  /** Why the last exchange has no answer, or only a part of one. */
  | { readonly kind: "trouble"; readonly problem: Problem }
  /** The message was returned to the message box. */
  | { readonly kind: "draft-back"; readonly problem?: Problem }
  /** The new answer failed, so the earlier one was kept. */
  | { readonly kind: "answer-restored"; readonly ending: Ending };

/** What changed: only the running turn, or anything in the session. */
export type Change = "turn" | "session";

/** Everything a reader can do with the page's one conversation and its running turn. */
export class Session {
  thinking = true;
  readonly #client: ChatClient;
  readonly #clock: Clock;
  readonly #listeners: ((change: Change) => void)[] = [];
  #conversation = emptyConversation;
  #run: TurnRun | undefined;
  #notice: Notice | undefined;
  #before: Conversation | undefined;

  constructor(client: ChatClient, clock: Clock = systemClock) {
    this.#client = client;
    this.#clock = clock;
  }

  get conversation(): Conversation {
    return this.#conversation;
  }

  /** The turn that is running for the last exchange, if any. */
  get turn(): Turn | undefined {
    return this.#run?.turn;
  }

  get notice(): Notice | undefined {
    return this.#notice;
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  /** Called with a message that could not be sent, so that the writer gets it back. */
  onDraftBack: (draft: string) => void = () => {};

  send(question: string): Promise<void> {
    return this.#ask(withExchange(this.#conversation, newExchange(question)));
  }

  /** Replaces the last question and its answer; the old answer is kept if the new one fails. */
  resend(question: string): Promise<void> {
    return this.#ask(withLast(this.#conversation, newExchange(question)));
  }

  regenerate(): Promise<void> {
    return this.#ask(withLast(this.#conversation, { ...this.#conversation.exchanges.at(-1)!, answer: undefined }));
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
  get dropCount(): number | null {
    if (this.#notice?.kind !== "trouble") return null;
    const { promptTokens, contextWindow } = this.#notice.problem;
    return dropToFit(this.#conversation, promptTokens, contextWindow);
  }

  dropOldest(): Promise<void> {
    const dropped = this.dropCount ?? this.#conversation.dropped;
    this.#conversation = { ...this.#conversation, dropped };
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

  /** Replaces the conversation. @returns the previous one. */
  replace(conversation: Conversation): Conversation {
    const run = this.#run;
    this.#run = undefined;
    run?.stop();
    if (run) this.#conversation = this.#earlier(run.turn) ?? this.#kept(run.turn);
    const old = this.#conversation;
    this.#conversation = conversation;
    this.#notice = undefined;
    this.#tell("session");
    return old;
  }

  setSystem(system: string): void {
    this.#conversation = { ...this.#conversation, system };
    this.#tell("session");
  }

  #ask(conversation: Conversation): Promise<void> {
    return this.#begin(conversation, turnFor(conversation, this.thinking, false));
  }

  async #begin(conversation: Conversation, start: TurnStart): Promise<void> {
    if (this.#run) return;
    this.#before = this.#conversation;
    this.#conversation = conversation;
    this.#notice = undefined;
    const run = new TurnRun(start, { client: this.#client, clock: this.#clock, onChange: () => this.#run && this.#tell("turn") });
    this.#run = run;
    this.#tell("session");
    await run.ended;
    if (this.#run !== run) return;
    this.#run = undefined;
    this.#finish(run.turn);
    this.#tell("session");
  }

  #finish(turn: Turn): void {
    if (turn.phase.kind !== "ended") return;
    const { ending } = turn.phase;
    const asked = this.#conversation.exchanges.at(-1)!;
    const earlier = this.#earlier(turn);
    if (earlier) {
      this.#conversation = earlier;
      this.#notice = { kind: "answer-restored", ending };
      if (asked.question !== earlier.exchanges.at(-1)!.question) this.onDraftBack(asked.question);
      return;
    }
    this.#conversation = this.#kept(turn);
    const problem = ending.state === "failed" ? ending.problem : undefined;
    if (!turn.answer && !turn.reasoning && (problem ? this.#isDraftsFault(problem) : ending.state === "stopped")) {
      this.#conversation = withoutLast(this.#conversation);
      this.#notice = { kind: "draft-back", ...(problem && { problem }) };
      this.onDraftBack(asked.question);
    } else if (problem) {
      this.#notice = { kind: "trouble", problem };
    }
  }

  #isDraftsFault(problem: Problem): boolean {
    if (problem.code === "context-overflow") return dropToFit(this.#conversation, problem.promptTokens, problem.contextWindow) === null;
    return problem.code === "invalid-request" || problem.code === "too-large" || problem.code === "forbidden-origin";
  }

  /** The conversation with the earlier answer, if the new one delivered no text. */
  #earlier(turn: Turn): Conversation | undefined {
    const before = this.#before!;
    const { exchanges, system } = this.#conversation;
    const replaces = before.exchanges.length === exchanges.length && before.exchanges.at(-1)?.answer && !exchanges.at(-1)!.answer;
    return replaces && !turn.answer ? { ...before, system } : undefined;
  }

  /** The conversation with the answer that a turn produced. */
  #kept(turn: Turn): Conversation {
    const { id, answer } = this.#conversation.exchanges.at(-1)!;
    return withAnswer(this.#conversation, id, answerOf(turn, answer));
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
