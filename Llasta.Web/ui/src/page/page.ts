import { emptyConversation, isEmpty, type Conversation } from "../conversation/conversation.ts";
import { Session, type Notice } from "../conversation/session.ts";
import { ChatClient } from "../turn/client.ts";
import type { Ending, Phase } from "../turn/turn.ts";
import type { ModelStatus } from "../turn/wire.ts";
import type { Words } from "../words/index.ts";
import { announce, announcer } from "../dom/announcer.ts";
import { Composer } from "./composer.ts";
import { button, el } from "../dom/element.ts";
import { UpdateThrottle } from "./updateThrottle.ts";
import { Gauge } from "./gauge.ts";
import { Pill } from "./pill.ts";
import { Scrolling } from "../scroll/scrolling.ts";
import { Settings } from "./settings.ts";
import { Toast } from "./toast.ts";
import { Transcript } from "./transcript.ts";

/** The whole page: creates its parts and connects them. */
export class Page {
  readonly #words: Words;
  readonly #session: Session;
  readonly #pill: Pill;
  readonly #gauge: Gauge;
  readonly #composer: Composer;
  readonly #transcript: Transcript;
  readonly #scrolling: Scrolling;
  readonly #toast = new Toast();
  readonly #updates = new UpdateThrottle(() => this.#showTurn());
  #phase: Phase["kind"] = "ended";
  #running = false;
  #continues = false;

  constructor(words: Words) {
    this.#words = words;
    const client = new ChatClient();
    this.#session = new Session(client);
    this.#pill = new Pill(client, words, (status) => this.#onModel(status));
    this.#gauge = new Gauge(client, this.#session, words);
    this.#composer = new Composer(words, this.#gauge, this.#session.thinking, {
      send: (message) => this.#send(message),
      stop: () => this.#session.stop(),
      thinking: (on) => (this.#session.thinking = on),
      typed: () => this.#gauge.count(this.#composer.draft),
    });
    this.#transcript = new Transcript(this.#session, words, () => this.#pill.status, {
      suggest: (message) => this.#send(message),
      regenerate: () => void this.#session.regenerate(),
      edit: () => this.#composer.edit(this.#session.conversation.exchanges.at(-1)!.question),
      // These buttons disappear, and the focus would be lost with them.
      answerNow: () => {
        this.#session.answerNow();
        this.#focusBox();
      },
      retryNow: () => {
        this.#session.retryNow();
        this.#focusBox();
      },
    });
    const settings = new Settings(this.#session, words, (conversation) => this.#replace(conversation, words.imported));
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
    this.#scrolling = new Scrolling((following) => (toEnd.hidden = following));

    document.title = words.name;
    document.body.append(
      el("a", { className: "skip", href: "#message" }, words.skipToMessage),
      el(
        "header",
        { className: "masthead" },
        el("h1", { ariaLabel: words.name }, "Llasta"),
        this.#pill.element,
        el(
          "nav",
          { ariaLabel: words.settings },
          button("settings", words.settings, () => settings.open()),
          button("reset", words.reset, () => this.#reset()),
        ),
      ),
      this.#transcript.element,
      el("footer", { className: "desk" }, this.#toast.element, toEnd, this.#composer.element),
      settings.element,
      announcer,
    );

    this.#session.onDraftBack = (draft) => this.#composer.giveBack(draft);
    this.#session.onChange((change) => (change === "turn" ? this.#updates.request() : this.#show()));
    window.addEventListener("beforeunload", (event) => {
      if (!isEmpty(this.#session.conversation)) event.preventDefault();
    });
    window.addEventListener("online", () => this.#session.retryNow());
    new ResizeObserver(() => this.#keepEnd()).observe(this.#transcript.element);
    this.#show();
    void this.#pill.ask();
    this.#focusBox();
  }

  #send(message: string): void {
    if (this.#session.turn) return;
    const editing = this.#composer.isEditing;
    if (editing) this.#composer.endEdit();
    else if (message === this.#composer.draft.trim()) this.#composer.clear();
    this.#toast.hide();
    void (editing ? this.#session.resend(message) : this.#session.send(message));
    if (hasKeyboard()) this.#composer.focus();
    else this.#composer.blur();
  }

  #focusBox(): void {
    if (hasKeyboard()) this.#composer.focus();
  }

  #reset(): void {
    if (isEmpty(this.#session.conversation)) {
      this.#composer.focus();
      return;
    }
    this.#replace({ ...emptyConversation, system: this.#session.conversation.system }, this.#words.wasReset);
  }

  /** Replaces the conversation, and offers to undo that for a few seconds. */
  #replace(conversation: Conversation, said: string): void {
    if (this.#composer.isEditing) this.#composer.endEdit();
    const old = this.#session.replace(conversation);
    const undo = {
      label: this.#words.undo,
      run: () => {
        this.#session.replace(old);
        announce(this.#words.restored);
        this.#composer.focus();
      },
    };
    this.#toast.show(said, isEmpty(old) ? undefined : undo);
    this.#gauge.count(this.#composer.draft);
    this.#composer.focus();
  }

  #onModel(status: ModelStatus): void {
    this.#gauge.window = status.contextWindow;
    this.#composer.hint =
      status.state === "ready" || status.state === "busy" ? this.#words.messageHint : this.#words.messageHintWhileLoading;
    const phase = this.#session.turn?.phase;
    if (phase?.kind === "waiting" && phase.cause === "unreachable") {
      if (status.state === "ready") this.#session.retryNow();
      else this.#updates.request();
    }
  }

  #show(): void {
    const running = this.#session.turn !== undefined;
    const begins = running && !this.#running;
    this.#running = running;
    // Stop and Send come first: they work even if the conversation can't be drawn.
    this.#composer.running = running;
    this.#transcript.show();
    const { notice } = this.#session;
    this.#composer.notify(noticeText(notice, this.#words), notice?.kind !== "draft-back" || notice.problem !== undefined);
    this.#announcePhase();
    if (!running) this.#gauge.ended(this.#composer.draft);
    if (begins) {
      this.#gauge.cancel();
      // The button that started the turn may be gone, and the focus with it.
      if (document.activeElement === document.body) this.#focusBox();
      this.#scrolling.toEnd();
    } else {
      this.#keepEnd();
    }
  }

  #keepEnd(): void {
    if (isEmpty(this.#session.conversation)) this.#scrolling.toStart();
    else this.#scrolling.keep();
  }

  #showTurn(): void {
    if (!this.#session.turn) return;
    this.#transcript.showTurn();
    this.#announcePhase();
    this.#keepEnd();
  }

  /** Screen readers announce that a turn begins, waits or ends; the text itself is read on demand. */
  #announcePhase(): void {
    const turn = this.#session.turn;
    const now = turn?.phase;
    const phase = now?.kind === "sending" && now.retries ? "waiting" : (now?.kind ?? "ended");
    if (phase !== "answering") this.#continues = Boolean(turn?.answer);
    if (phase === this.#phase) return;
    this.#phase = phase;
    const words = this.#words;
    if (phase === "thinking") announce(words.announceThinking);
    else if (phase === "answering") this.#continues || announce(words.announceStart);
    else if (phase === "waiting" || phase === "resuming" || phase === "ended") {
      const note = document.querySelector(".exchange.last .note:not([hidden]) p")?.textContent;
      const notice = noticeText(this.#session.notice, words);
      if (!isEmpty(this.#session.conversation) || notice) announce(notice || note || words.announceEnd);
    }
  }
}

/** On a phone, focusing the box opens a keyboard that covers half of the page. */
const hasKeyboard = (): boolean => matchMedia("(hover: hover)").matches;

/** The notice at the message box; a note about an answer is shown under the answer. */
function noticeText(notice: Notice | undefined, words: Words): string {
  switch (notice?.kind) {
    case "draft-back": {
      const { problem } = notice;
      if (!problem) return words.draftBack;
      if (problem.code === "context-overflow") return `${words.problems["context-overflow-alone"]} ${words.draftBack}`;
      return [words.problems[problem.code], problem.detail, words.draftBack].filter(Boolean).join(" ");
    }
    case "answer-restored": {
      return [reasonOf(notice.ending, words), words.answerRestored].filter(Boolean).join(" ");
    }
    default:
      return "";
  }
}

/** Why there is no new answer. */
function reasonOf(ending: Ending, words: Words): string {
  switch (ending.state) {
    case "failed":
      return words.problems[ending.problem.code];
    case "stopped":
      return "";
    case "done":
      return words.emptyAnswer;
    case "length":
      return words.length;
    case "thinking-limit":
      return words.thinkingLimit;
    case "truncated":
      return words.truncated;
  }
}
