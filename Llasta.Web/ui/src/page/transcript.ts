import type { Exchange } from "../conversation/conversation.ts";
import type { Session } from "../conversation/session.ts";
import { button, el } from "../dom/element.ts";
import { layoutMemory } from "../dom/layoutMemory.ts";
import type { ModelStatus } from "../turn/wire.ts";
import type { Words } from "../words/index.ts";
import { type ExchangeActions, ExchangeView } from "./exchange.ts";
import type { Note } from "./note.ts";
import { endedNote, type NoteActions, runningNote } from "./notes.ts";

export interface TranscriptActions extends ExchangeActions {
  readonly suggest: (message: string) => void;
  readonly tryNow: () => void;
  readonly save: () => void;
  readonly showSystem: () => void;
}

/** How many exchanges are built in one task. */
const exchangesPerSlice = 8;

/** The conversation on screen: the welcome of an empty page, or the exchanges. */
export class Transcript {
  readonly element = el("main", { className: "transcript" });
  readonly #session: Session;
  readonly #words: Words;
  readonly #actions: TranscriptActions;
  readonly #noteActions: NoteActions;
  readonly #welcome: HTMLElement;
  readonly #system: HTMLButtonElement;
  readonly #dropped = el("p", { className: "dropped" });
  readonly #views = new Map<number, ExchangeView>();
  readonly #model: () => ModelStatus | undefined;
  #slice = 0;

  constructor(session: Session, words: Words, model: () => ModelStatus | undefined, actions: TranscriptActions) {
    this.#model = model;
    this.#session = session;
    this.#words = words;
    this.#actions = actions;
    this.#noteActions = {
      continueAnswer: () => void session.continueAnswer(),
      answerWithoutThinking: () => void session.answerWithoutThinking(),
      regenerate: () => void session.regenerate(),
      leaveOutOldest: () => void session.leaveOutOldest(),
      tryNow: actions.tryNow,
      save: actions.save,
    };
    this.#system = button(undefined, "", actions.showSystem);
    this.#system.className = "system-prompt";
    this.#welcome = welcome(words, actions.suggest);
  }

  /**
   * Shows the whole conversation; unchanged exchanges are left alone. The last exchanges are built at once, earlier ones
   * in slices, so that opening a long conversation doesn't block the page. New views are built before old ones go.
   */
  show(): void {
    clearTimeout(this.#slice);
    const focused = this.#focusedTool();
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
        // Out of the page it isn't measured, nor are its formulas found.
        layoutMemory.unsettle(view.element);
        view.undraw();
        // What is being written in it is there again when the exchange is: another version is shown, or Reset is undone.
        if (!view.hasForm) this.#views.delete(id);
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
    this.#showSystem();
    if (focused && document.activeElement === document.body) this.#views.get(exchanges[focused.index]?.id ?? -1)?.focusTool(focused.name);
    if (missing.length > now.size) this.#slice = window.setTimeout(() => this.show());
  }

  /** The place of the tool that has the focus. An action can replace it by another one, or its whole exchange by another version. */
  #focusedTool(): { readonly index: number; readonly name: string } | undefined {
    const tool = document.activeElement;
    const index = [...this.element.querySelectorAll(":scope > .exchange")].findIndex((exchange) => exchange.contains(tool));
    return tool instanceof HTMLButtonElement && tool.name && index >= 0 ? { index, name: tool.name } : undefined;
  }

  /** Shows only the changes of the running turn. */
  showTurn(): void {
    const last = this.#session.conversation.exchanges.at(-1);
    if (last && this.#views.has(last.id)) this.#update(last);
  }

  /** What the note under the last answer says. */
  get noteText(): string {
    const last = this.#session.conversation.exchanges.at(-1);
    const note = last && this.#note(last, true);
    return [note?.text, note?.detail].filter(Boolean).join(" ");
  }

  #update(exchange: Exchange): void {
    const { conversation, turn } = this.#session;
    const isLast = exchange === conversation.exchanges.at(-1);
    const note = this.#note(exchange, isLast);
    const view = this.#views.get(exchange.id)!;
    if (isLast) layoutMemory.unsettle(view.element);
    else layoutMemory.settle(view.element);
    view.show(exchange, { turn: isLast ? turn : undefined, note, isLast, isBusy: turn !== undefined });
  }

  #note(exchange: Exchange, isLast: boolean): Note | undefined {
    const { turn, now, leaveOutCount } = this.#session;
    if (isLast && turn) return runningNote(turn, this.#model(), now, this.#words, this.#noteActions);
    return endedNote(exchange, isLast, isLast ? leaveOutCount : null, this.#words, this.#noteActions);
  }

  #nextView(element: Element): Element | null {
    const next = element.nextElementSibling;
    return next === this.#dropped ? next.nextElementSibling : next;
  }

  /** An active system prompt is in sight, where it begins to act. */
  #showSystem(): void {
    const system = this.#session.conversation.system.trim();
    if (!system) {
      this.#system.remove();
      return;
    }
    this.#system.textContent = `${this.#words.system}: ${system}`;
    if (this.element.firstElementChild !== this.#system) this.element.prepend(this.#system);
  }

  /** The line between the oldest exchanges, which are left out, and the first one that is sent. */
  #showDropped(): void {
    const { exchanges } = this.#session.conversation;
    const dropped = exchanges.findIndex(({ leftOut }) => !leftOut);
    const view = dropped > 0 ? this.#views.get(exchanges[dropped]!.id) : undefined;
    if (!view) {
      this.#dropped.remove();
      return;
    }
    this.#dropped.textContent = this.#words.dropped(dropped);
    view.element.before(this.#dropped);
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
