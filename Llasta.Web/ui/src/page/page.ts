import { type Conversation, emptyConversation, isEmpty } from "../conversation/conversation.ts";
import { type Draft, draftOf, isBlank, isSameDraft } from "../conversation/draft.ts";
import { type Notice, Session } from "../conversation/session.ts";
import { announce, announcer } from "../dom/announcer.ts";
import { button, el } from "../dom/element.ts";
import { Scrolling } from "../scroll/scrolling.ts";
import { ChatClient } from "../turn/client.ts";
import type { ModelStatus } from "../turn/wire.ts";
import type { Words } from "../words/index.ts";
import { Composer } from "./composer.ts";
import { dropZone } from "./dropZone.ts";
import { Gauge } from "./gauge.ts";
import { hasKeyboard, isComposing, isTextField } from "./keyboard.ts";
import { detailOf } from "./notes.ts";
import { Pill } from "./pill.ts";
import { Settings } from "./settings.ts";
import { shortcutsDialog } from "./shortcuts.ts";
import { TabTitle } from "./tabTitle.ts";
import { Toast } from "./toast.ts";
import { Transcript } from "./transcript.ts";
import { TurnAnnouncer } from "./turnAnnouncer.ts";
import { UpdateThrottle } from "./updateThrottle.ts";

/** The whole page: creates its parts and connects them. */
export class Page {
  readonly #words: Words;
  readonly #session: Session;
  readonly #pill: Pill;
  readonly #gauge: Gauge;
  readonly #composer: Composer;
  readonly #transcript: Transcript;
  readonly #scrolling: Scrolling;
  readonly #announcer: TurnAnnouncer;
  readonly #title: TabTitle;
  readonly #settings: Settings;
  readonly #shortcuts: HTMLDialogElement;
  readonly #toast = new Toast();
  readonly #updates = new UpdateThrottle(() => this.#showTurn());
  #running = false;
  /** The last thing that the pill was told of. */
  #learnt: unknown;

  constructor(words: Words) {
    this.#words = words;
    const client = new ChatClient();
    this.#session = new Session(client);
    this.#pill = new Pill(client, words, {
      status: (status) => this.#onModel(status),
      chosen: () => this.#gauge.count(this.#composer.draft),
    });
    this.#gauge = new Gauge(client, this.#session, words);
    this.#announcer = new TurnAnnouncer(words);
    this.#title = new TabTitle(words);
    this.#composer = new Composer(client, words, this.#gauge, this.#session.thinking, {
      send: (draft) => this.#send(draft),
      stop: () => this.#session.stop(),
      thinking: (on) => {
        this.#session.thinking = on;
      },
      changed: () => this.#gauge.count(this.#composer.draft),
      editLast: () => this.#edit(this.#session.conversation.exchanges.at(-1)?.id),
      unqueue: () => {
        const queued = this.#session.unqueue();
        if (queued) this.#composer.giveBack(queued);
        this.#focusBox();
      },
    });
    this.#transcript = new Transcript(this.#session, words, () => this.#pill.status, {
      suggest: (message) => this.#send(draftOf(message)),
      regenerate: (id, wish) => this.#withUndo(() => void this.#session.regenerate(id, wish)),
      edit: (id) => this.#edit(id),
      editAnswer: (id, text, continues) =>
        this.#withUndo(() => {
          this.#session.editAnswer(id, text);
          if (continues) void this.#session.continueAnswer();
        }),
      leaveOut: (id, leftOut) => this.#session.leaveOut(id, leftOut),
      showVersion: (id, direction) => this.#session.showVersion(id, direction),
      // These buttons disappear, and the focus would be lost with them.
      answerNow: () => {
        this.#session.answerNow();
        this.#focusBox();
      },
      tryNow: () => {
        this.#session.tryNow();
        this.#focusBox();
      },
      save: () => this.#settings.save("json"),
      showSystem: () => this.#settings.open(),
    });
    this.#shortcuts = shortcutsDialog(words);
    this.#settings = new Settings(
      this.#session,
      words,
      (conversation) => this.#replace(conversation, words.imported),
      () => this.#shortcuts.showModal(),
    );
    const toEnd = button(
      "down",
      words.toEnd,
      () => {
        this.#scrolling.toEnd();
        this.#focusBox();
      },
      true,
    );
    toEnd.classList.add("to-end");
    toEnd.hidden = true;
    this.#scrolling = new Scrolling((following) => {
      toEnd.hidden = following;
    });

    const desk = el("footer", { className: "desk" }, this.#toast.element, toEnd, this.#composer.element);
    document.body.append(
      el("a", { className: "skip", href: "#message" }, words.skipToMessage),
      el(
        "header",
        { className: "masthead" },
        el("h1", { ariaLabel: words.name }, "Llasta"),
        this.#pill.element,
        el(
          "div",
          { className: "buttons" },
          button("settings", words.settings, () => this.#settings.open()),
          button("reset", words.reset, () => this.#reset()),
        ),
      ),
      this.#transcript.element,
      desk,
      this.#settings.element,
      this.#shortcuts,
      dropZone(words.dropHere, (files) => void this.#composer.attach(files)),
      announcer,
    );

    this.#session.onDraftBack = (draft) => this.#composer.giveBack(draft);
    this.#session.onChange((change) => (change === "turn" ? this.#updates.request() : this.#show()));
    window.addEventListener("beforeunload", (event) => {
      if (!isEmpty(this.#session.conversation) || !isBlank(this.#composer.draft)) event.preventDefault();
    });
    // Vite tells it of every part that is loaded later. A server with a newer version of the page has the old parts no more.
    const onMissing = (): void => {
      if (isEmpty(this.#session.conversation)) return;
      window.removeEventListener("vite:preloadError", onMissing);
      this.#toast.show(words.partMissing, {
        label: words.exportJson,
        run: () => {
          this.#settings.save("json");
          this.#focusBox();
        },
      });
    };
    window.addEventListener("vite:preloadError", onMissing);
    // A request that was sent before hangs on a connection that is gone.
    window.addEventListener("online", () => (this.#session.turn?.trouble ? this.#session.tryNow() : this.#session.retryNow()));
    window.addEventListener("keydown", (event) => this.#key(event));
    // The times in a note pass.
    window.setInterval(() => this.#session.turn && this.#updates.request(), 1000);
    new ResizeObserver(() => this.#keepEnd()).observe(this.#transcript.element);
    // A touch keyboard that opens must not cover the end, nor must a message box that grows.
    const keepEnd = () => !isEmpty(this.#session.conversation) && this.#scrolling.keep();
    window.addEventListener("resize", keepEnd);
    new ResizeObserver(keepEnd).observe(desk);
    this.#show();
    void this.#pill.ask();
    this.#focusBox();
  }

  #send(draft: Draft): void {
    const { edited } = this.#composer;
    if (edited !== undefined && this.#session.turn) return;
    this.#toast.hide();
    if (edited !== undefined) {
      this.#composer.endEdit();
      this.#withUndo(() => void this.#session.edit(edited, draft));
    } else {
      if (isSameDraft(draft, this.#composer.draft)) this.#composer.clear();
      void this.#session.send(draft);
    }
    if (hasKeyboard()) this.#composer.focus();
    else this.#composer.blur();
  }

  #edit(id: number | undefined): void {
    const exchange = this.#session.conversation.exchanges.find((exchange) => exchange.id === id);
    if (exchange && !this.#session.turn) this.#composer.edit(exchange.id, exchange.question);
  }

  #key(event: KeyboardEvent): void {
    if (isComposing(event) || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if (this.#session.turn) this.#session.stop();
      else if (this.#composer.edited !== undefined) this.#composer.cancelEdit();
    } else if (event.key === "?" && !isTextField(event.target)) {
      event.preventDefault();
      this.#shortcuts.showModal();
    }
  }

  #focusBox(): void {
    if (hasKeyboard()) this.#composer.focus();
  }

  #reset(): void {
    if (isEmpty(this.#session.conversation)) this.#focusBox();
    else this.#replace({ ...emptyConversation, system: this.#session.conversation.system }, this.#words.wasReset);
  }

  /** Replaces the conversation, and offers to undo that for a few seconds. */
  #replace(conversation: Conversation, said: string): void {
    const old = this.#session.replace(conversation);
    this.#toast.show(said, isEmpty(old) ? undefined : this.#undo(old));
    this.#focusBox();
  }

  /** Makes a new version, and offers to undo that for a few seconds. An empty answer is asked for again in its place. */
  #withUndo(change: () => void): void {
    const old = this.#session.conversation;
    change();
    if (this.#session.conversation.exchanges.at(-1)?.id !== old.exchanges.at(-1)?.id)
      this.#toast.show(this.#words.newVersion, this.#undo(old));
  }

  #undo(old: Conversation): { label: string; run: () => void } {
    return {
      label: this.#words.undo,
      run: () => {
        this.#session.replace(old);
        announce(this.#words.restored);
        this.#focusBox();
      },
    };
  }

  #onModel(status: ModelStatus): void {
    this.#gauge.window = status.contextWindow;
    this.#composer.canThink = status.thinking !== false;
    if (this.#session.turn?.phase.kind === "sending") this.#updates.request();
    this.#showHint();
    if (this.#session.turn?.trouble?.cause !== "unreachable") return;
    if (status.state === "ready") this.#session.retryNow();
    else this.#updates.request();
  }

  #showHint(): void {
    const state = this.#pill.status?.state;
    const words = this.#words;
    if (this.#session.turn) this.#composer.hint = words.messageHintWhileRunning;
    else
      this.#composer.hint =
        state === "loading" || state === "unreachable" || state === "offline" ? words.messageHintWhileLoading : words.messageHint;
  }

  #show(): void {
    const { turn, queued, notice, conversation } = this.#session;
    const begins = turn !== undefined && !this.#running;
    const ends = turn === undefined && this.#running;
    const hadFocus = document.activeElement !== document.body;
    const { edited } = this.#composer;
    this.#running = turn !== undefined;
    // Stop and Send come first: they work even if the conversation can't be drawn.
    this.#composer.running = this.#running;
    this.#composer.queued = queued;
    if (edited !== undefined && !conversation.exchanges.some(({ id }) => id === edited)) this.#composer.loseEdited();
    this.#composer.notify(noticeText(notice, this.#words), notice?.kind !== "draft-back" || notice.ending.state !== "stopped");
    if (notice?.kind === "answer-restored") this.#toast.hide();
    this.#showHint();
    this.#pill.waiting = turn?.phase.kind === "sending";
    this.#learn();
    this.#transcript.show();
    this.#announce();
    if (ends) this.#gauge.ended(this.#composer.draft);
    else if (!turn) this.#gauge.changed(this.#composer.draft);
    if ((begins || hadFocus) && isFocusLost()) this.#focusBox();
    if (begins) {
      this.#gauge.cancel();
      this.#scrolling.toEnd();
    } else {
      this.#keepEnd();
    }
  }

  /** What a turn has just shown about the model is newer than what the pill knows. */
  #learn(): void {
    const { turn, notice, conversation } = this.#session;
    const source = turn ? turn.trouble : (notice?.ending ?? conversation.exchanges.at(-1)?.answer);
    const isAnswering = turn?.phase.kind === "thinking" || turn?.phase.kind === "answering";
    if (source === this.#learnt && !isAnswering) return;
    this.#learnt = source;
    const state = turn ? turn.trouble?.cause : notice ? notice.ending.state : conversation.exchanges.at(-1)?.answer?.state;
    if (isAnswering) this.#pill.learn("ready");
    else if (state === "unreachable" || state === "busy" || state === "signed-out") this.#pill.learn(state);
    else if (state === "cut" || state === "truncated") void this.#pill.ask();
  }

  #keepEnd(): void {
    if (isEmpty(this.#session.conversation)) this.#scrolling.toStart();
    else this.#scrolling.keep();
  }

  #showTurn(): void {
    if (!this.#session.turn) return;
    this.#learn();
    const hadFocus = this.#transcript.element.contains(document.activeElement);
    this.#transcript.showTurn();
    if (hadFocus && isFocusLost()) this.#focusBox();
    this.#announce();
    this.#keepEnd();
  }

  #announce(): void {
    const { turn, notice, conversation } = this.#session;
    this.#title.show(turn);
    if (isEmpty(conversation) && !notice) return;
    this.#announcer.show(turn, () => noticeText(notice, this.#words) || this.#transcript.noteText);
  }
}

/** The button that had the focus is gone or hidden: the browser only notices the latter with the next frame. */
const isFocusLost = (): boolean => document.activeElement === document.body || !document.activeElement?.checkVisibility();

/** The notice at the message box; a note about an answer is shown under the answer. */
function noticeText(notice: Notice | undefined, words: Words): string {
  if (!notice) return "";
  const { ending } = notice;
  const reason =
    ending.state === "stopped" ? [] : ending.state === "done" ? [words.emptyAnswer] : [words.states[ending.state], detailOf(ending, words)];
  if (notice.kind === "answer-restored") return [...reason, words.answerRestored].filter(Boolean).join(" ");
  if (ending.state === "context-overflow") return `${words.messageTooLong} ${words.draftBack}`;
  return [...reason, words.draftBack].filter(Boolean).join(" ");
}
