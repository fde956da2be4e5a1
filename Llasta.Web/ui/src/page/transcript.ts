import type { Exchange } from "../conversation/conversation.ts";
import type { Session } from "../conversation/session.ts";
import type { Turn } from "../turn/turn.ts";
import type { ModelStatus, Problem } from "../turn/wire.ts";
import type { Words } from "../words/index.ts";
import { button, el } from "../dom/element.ts";
import { ExchangeView, type ExchangeActions, type Note } from "./exchange.ts";

export interface TranscriptActions extends ExchangeActions {
  readonly suggest: (message: string) => void;
  readonly retryNow: () => void;
}

/** How many exchanges are built in one task. */
const exchangesPerSlice = 8;

/** The conversation on screen: the welcome of an empty page, or the exchanges. */
export class Transcript {
  readonly element = el("main", { className: "transcript" });
  readonly #session: Session;
  readonly #words: Words;
  readonly #actions: TranscriptActions;
  readonly #welcome: HTMLElement;
  readonly #dropped = el("p", { className: "dropped" });
  readonly #views = new Map<number, ExchangeView>();
  readonly #model: () => ModelStatus | undefined;
  #slice = 0;

  constructor(session: Session, words: Words, model: () => ModelStatus | undefined, actions: TranscriptActions) {
    this.#model = model;
    this.#session = session;
    this.#words = words;
    this.#actions = actions;
    this.#welcome = welcome(words, actions.suggest);
  }

  /**
   * Shows the whole conversation; unchanged exchanges are left alone. The last exchanges are built at once, earlier ones
   * in slices, so that opening a long conversation doesn't block the page. New views are built before old ones go.
   */
  show(): void {
    clearTimeout(this.#slice);
    const { exchanges } = this.#session.conversation;
    const missing = exchanges.filter(({ id }) => !this.#views.has(id));
    const now = new Set(missing.slice(-exchangesPerSlice).map(({ id }) => id));
    for (const exchange of missing)
      if (now.has(exchange.id)) this.#views.set(exchange.id, new ExchangeView(exchange, this.#words, this.#actions));
    const shown = exchanges.filter(({ id }) => this.#views.has(id));
    for (const exchange of shown) this.#update(exchange);

    for (const [id, view] of this.#views)
      if (!exchanges.some((exchange) => exchange.id === id)) {
        view.element.remove();
        this.#views.delete(id);
      }
    if (exchanges.length === 0) this.element.replaceChildren(this.#welcome);
    else this.#welcome.remove();
    let next: Element | null = null;
    for (const { id } of shown.toReversed()) {
      const { element } = this.#views.get(id)!;
      if (element.parentElement !== this.element || this.#nextView(element) !== next) this.element.insertBefore(element, next);
      next = element;
    }
    this.#showDropped();
    if (missing.length > now.size) this.#slice = window.setTimeout(() => this.show());
  }

  #update(exchange: Exchange): void {
    const { conversation, turn } = this.#session;
    const isLast = exchange === conversation.exchanges.at(-1);
    const view = this.#views.get(exchange.id)!;
    view.element.classList.toggle("unsent", conversation.exchanges.indexOf(exchange) < conversation.dropped);
    view.show(exchange, isLast ? turn : undefined, isLast ? this.#note() : undefined, isLast);
  }

  #nextView(element: Element): Element | null {
    const next = element.nextElementSibling;
    return next === this.#dropped ? next.nextElementSibling : next;
  }

  #showDropped(): void {
    const { exchanges, dropped } = this.#session.conversation;
    const view = dropped > 0 ? this.#views.get(exchanges[dropped]!.id) : undefined;
    if (view) {
      this.#dropped.textContent = this.#words.dropped(dropped);
      view.element.before(this.#dropped);
    } else this.#dropped.remove();
  }

  /** Shows only the changes of the running turn. */
  showTurn(): void {
    const { conversation, turn } = this.#session;
    const last = conversation.exchanges.at(-1);
    if (last) this.#views.get(last.id)?.show(last, turn, this.#note(), true);
  }

  #note(): Note | undefined {
    const { turn, notice, conversation } = this.#session;
    if (turn) return this.#waitingNote(turn);
    if (notice?.kind === "trouble") return this.#troubleNote(notice.problem);
    const words = this.#words;
    const answer = conversation.exchanges.at(-1)?.answer;
    if (!answer)
      return { tone: "quiet", text: words.noAnswer, action: { label: words.tryAgain, run: () => void this.#session.continueAnswer() } };
    const continues = { label: words.continue, run: () => void this.#session.continueAnswer() };
    switch (answer.state) {
      case "stopped":
        return { tone: "quiet", text: words.stopped, action: continues };
      case "length":
        return { tone: "quiet", text: words.length, action: continues };
      case "thinking-limit":
        return {
          tone: "quiet",
          text: words.thinkingLimit,
          action: { label: words.answerWithoutThinking, run: () => void this.#session.answerWithoutThinking() },
        };
      case "truncated":
        return { tone: "problem", text: words.truncated, action: continues };
      case "done":
        return answer.text
          ? undefined
          : { tone: "quiet", text: words.emptyAnswer, action: { label: words.tryAgain, run: () => void this.#session.regenerate() } };
    }
  }

  #waitingNote({ phase, answer, fruitless }: Turn): Note | undefined {
    const words = this.#words;
    switch (phase.kind) {
      case "sending":
        // While retrying, the note keeps saying why.
        if (phase.retries) return this.#tryNowNote(phase.retries, answer);
        // A continued answer already has its first word.
        return { tone: "quiet", text: answer && fruitless > 0 ? words.resuming : words.sending };
      case "resuming":
        return { tone: "quiet", text: words.resuming };
      case "waiting":
        return this.#tryNowNote(phase.cause, answer);
      default:
        return undefined;
    }
  }

  #tryNowNote(cause: "unreachable" | "busy", answer: string): Note {
    const words = this.#words;
    const text =
      cause === "busy"
        ? words.waitingBusy
        : answer
          ? words.waitingToContinue
          : this.#model()?.state === "loading"
            ? words.waitingLoading
            : words.waitingUnreachable;
    return { tone: "quiet", text, action: { label: words.tryNow, run: this.#actions.retryNow } };
  }

  #troubleNote(problem: Problem): Note {
    const words = this.#words;
    const note = { tone: "problem", text: words.problems[problem.code], ...(problem.detail && { detail: problem.detail }) } as const;
    const { dropCount, conversation } = this.#session;
    if (problem.code === "context-overflow" && dropCount !== null)
      return { ...note, action: { label: words.dropOldest(dropCount - conversation.dropped), run: () => void this.#session.dropOldest() } };
    return { ...note, action: { label: words.tryAgain, run: () => void this.#session.continueAnswer() } };
  }
}

const welcome = (words: Words, suggest: (message: string) => void): HTMLElement =>
  el(
    "section",
    { className: "welcome" },
    el("h2", {}, words.emptyTitle),
    el("p", {}, words.emptyText),
    el("h3", {}, words.suggestionsTitle),
    el(
      "ul",
      {},
      ...words.suggestions.map((suggestion) =>
        el(
          "li",
          {},
          button(undefined, suggestion, () => suggest(suggestion)),
        ),
      ),
    ),
  );
