import { type Exchange, versionOf } from "../conversation/conversation.ts";
import { textOf } from "../conversation/draft.ts";
import { copyButton } from "../dom/clipboard.ts";
import { button, el, type IconName, showText } from "../dom/element.ts";
import { AnswerText } from "../render/answerText.ts";
import type { Turn } from "../turn/turn.ts";
import type { Words } from "../words/index.ts";
import { answerEditor } from "./answerEditor.ts";
import { shortName } from "./modelName.ts";
import { withLineFeeds } from "./textFile.ts";
import { type Note, NoteView } from "./note.ts";
import { questionView } from "./questionText.ts";
import { Thinking } from "./thinking.ts";
import { wishForm } from "./wishForm.ts";

export interface ExchangeActions {
  readonly regenerate: (id: number, wish?: string) => void;
  readonly edit: (id: number) => void;
  readonly editAnswer: (id: number, text: string, continues: boolean) => void;
  readonly leaveOut: (id: number, leftOut: boolean) => void;
  readonly showVersion: (id: number, direction: "earlier" | "later") => void;
  readonly answerNow: () => void;
}

export interface ExchangeState {
  /** The turn that is running for this exchange, if any. */
  readonly turn: Turn | undefined;
  readonly note: Note | undefined;
  readonly isLast: boolean;
  /** A turn is running for any exchange: nothing can be changed. */
  readonly isBusy: boolean;
}

/** One question and its answer in the page. */
export class ExchangeView {
  readonly element: HTMLElement;
  readonly #words: Words;
  readonly #actions: ExchangeActions;
  readonly #answerBox = el("div", { className: "answer" });
  readonly #name = el("h2", { className: "who" });
  readonly #thinking: Thinking;
  readonly #text: AnswerText;
  readonly #note = new NoteView();
  readonly #figures = el("p", { className: "figures" });
  readonly #questionTools = el("div", { className: "tools" });
  readonly #tools = el("div", { className: "tools" });
  readonly #under = el("div", { className: "under" }, this.#tools, this.#figures);
  readonly #copy: HTMLButtonElement;
  readonly #copyQuestion: HTMLButtonElement;
  readonly #leftOut: HTMLElement;
  #exchange: Exchange;
  /** The answer as it is shown: more than the exchange has while a turn runs. */
  #shown = "";
  #editor: HTMLFormElement | undefined;
  /** The answer that is being edited, as it was. */
  #edited = "";
  #wishes: HTMLFormElement | undefined;
  #isBusy = false;
  #toolsKey = "";

  constructor(exchange: Exchange, words: Words, actions: ExchangeActions) {
    this.#exchange = exchange;
    this.#words = words;
    this.#actions = actions;
    this.#thinking = new Thinking(words, actions.answerNow);
    this.#text = new AnswerText(words);
    this.#copy = copyButton(() => ({ text: this.#shown, html: this.#text.html }), words.copyAnswer, words);
    this.#copyQuestion = copyButton(() => textOf(this.#exchange.question), words.copyQuestion, words);
    this.#copy.name = "copy";
    this.#copyQuestion.name = "copy-question";
    this.#leftOut = el("p", { className: "left-out", hidden: true }, words.leftOut);
    this.#answerBox.append(
      ...(exchange.wish ? [el("p", { className: "wish", dir: "auto" }, words.wished(exchange.wish))] : []),
      this.#thinking.element,
      this.#text.element,
      this.#note.element,
      this.#leftOut,
      this.#under,
    );
    this.element = el(
      "article",
      { className: "exchange", ariaLabel: exchange.question.text.slice(0, 80) },
      el("h2", { className: "who you" }, words.you),
      el("div", { className: "asked" }, questionView(exchange.question), this.#questionTools),
      this.#name,
      this.#answerBox,
    );
  }

  show(exchange: Exchange, { turn, note, isLast, isBusy }: ExchangeState): void {
    this.#exchange = exchange;
    const { answer } = exchange;
    const running = turn !== undefined;
    const text = turn ? turn.answer : (answer?.text ?? "");
    this.element.setAttribute("aria-busy", String(running));
    this.element.classList.toggle("last", isLast);
    this.element.classList.toggle("unsent", exchange.leftOut === true);
    this.#leftOut.hidden = !exchange.leftOut;
    showText(this.#name, shortName(turn?.model ?? answer?.model) ?? this.#words.answer);
    this.#thinking.show({
      text: turn?.reasoning ?? answer?.reasoning ?? "",
      streaming: turn?.phase.kind === "thinking",
      skipped: turn?.reasoningSkipped ?? answer?.reasoningSkipped ?? false,
      ms: turn ? turn.reasoningMs : answer?.reasoningMs,
      skippable: turn !== undefined && turn.answer === "" && turn.thinking && turn.reasoning !== "",
      answerBegun: text !== "",
    });
    this.#shown = text;
    this.#text.show(text, !running);
    this.#text.streaming = turn?.phase.kind === "answering";
    this.#note.show(note);
    this.#isBusy = isBusy;
    this.#endUntouchedEdit(running);
    this.#showForms(running);
    this.#showTools(isBusy);
    showText(this.#figures, running ? "" : this.#figuresOf(exchange));
  }

  #showTools(isBusy: boolean): void {
    const { id, answer, leftOut } = this.#exchange;
    const { number, count } = versionOf(this.#exchange);
    const key = [isBusy, Boolean(answer), Boolean(answer?.text), leftOut === true, number, count].join();
    if (key === this.#toolsKey) return;
    this.#toolsKey = key;
    const words = this.#words;
    const actions = this.#actions;
    this.#questionTools.replaceChildren(this.#copyQuestion, ...(isBusy ? [] : [tool("edit", "edit", words.edit, () => actions.edit(id))]));
    if (isBusy) {
      this.#tools.replaceChildren(...(answer?.text ? [this.#copy] : []));
      return;
    }
    const version = (direction: "earlier" | "later", label: string, isEnd: boolean) => {
      const made = tool(direction, direction, label, () => isEnd || actions.showVersion(id, direction));
      made.ariaDisabled = String(isEnd);
      return made;
    };
    this.#tools.replaceChildren(
      ...(count > 1
        ? [
            version("earlier", words.earlierVersion, number === 1),
            el("span", { className: "version" }, words.version(number, count)),
            version("later", words.laterVersion, number === count),
          ]
        : []),
      ...(answer?.text ? [this.#copy] : []),
      ...(answer ? [tool("regenerate", "regenerate", words.regenerate, () => actions.regenerate(id))] : []),
      ...(answer?.text ? [tool("wish", "wish", words.regenerateWithWish, () => this.#openWishes())] : []),
      ...(answer?.text ? [tool("edit-answer", "edit", words.editAnswer, () => this.#openEditor())] : []),
      tool("leave-out", leftOut ? "takeIn" : "leaveOut", leftOut ? words.takeIn : words.leaveOut, () => actions.leaveOut(id, !leftOut)),
    );
  }

  /** The answer is drawn anew when it is shown next. */
  undraw(): void {
    this.#text.undraw();
  }

  /** A form is open, with something that the reader may have written. */
  get hasForm(): boolean {
    return this.#editor !== undefined || this.#wishes !== undefined;
  }

  /** Moves the focus to the tool with this name, if there is one. */
  focusTool(name: string): void {
    this.element.querySelector<HTMLElement>(`.tools > [name="${name}"]`)?.focus({ preventScroll: true });
  }

  #openEditor(): void {
    if (this.#editor) {
      this.#editor.querySelector("textarea")?.focus();
      return;
    }
    const { id, answer } = this.#exchange;
    const close = () => this.#closeEditor();
    this.#edited = answer?.text ?? "";
    this.#editor = answerEditor(
      this.#edited,
      this.#words,
      (text, continues) => {
        if (this.#isBusy) return;
        close();
        this.#actions.editAnswer(id, text, continues);
      },
      close,
      () => this.#isBusy,
    );
    this.#text.element.after(this.#editor);
    this.#showForms(false);
  }

  #openWishes(): void {
    const close = () => {
      const wishes = this.#wishes;
      this.#wishes = undefined;
      this.#close(wishes, "wish");
    };
    if (this.#wishes) {
      close();
      return;
    }
    this.#wishes = wishForm(
      this.#words,
      (wish) => {
        if (this.#isBusy) return;
        close();
        this.#actions.regenerate(this.#exchange.id, wish);
      },
      close,
      () => this.#isBusy,
    );
    this.#under.after(this.#wishes);
    this.#wishes.querySelector("button")?.focus();
  }

  #closeEditor(): void {
    const editor = this.#editor;
    this.#editor = undefined;
    this.#close(editor, "edit-answer");
  }

  /** When an answer has been continued, its form has only its beginning. */
  #endUntouchedEdit(running: boolean): void {
    const text = this.#editor?.querySelector("textarea")?.value;
    if (!running && this.#edited !== this.#shown && text === withLineFeeds(this.#edited)) this.#closeEditor();
  }

  /** Nothing that is being written is lost when a turn begins: its forms wait for the end. An answer that has been continued is shown beside its form. */
  #showForms(running: boolean): void {
    this.#text.element.hidden = this.#editor !== undefined && !running && this.#edited === this.#shown;
    for (const form of [this.#editor, this.#wishes])
      for (const action of form?.querySelectorAll("button:not([name=cancel])") ?? []) action.ariaDisabled = String(this.#isBusy);
  }

  /** Removes a form, and returns the focus from it to the tool that opened it. */
  #close(form: HTMLElement | undefined, opener: string): void {
    const hadFocus = form?.contains(document.activeElement);
    form?.remove();
    this.#showForms(false);
    if (hadFocus) this.focusTool(opener);
  }

  #figuresOf({ answer }: Exchange): string {
    const { firstTokenMs, queueMs, tokensPerSecond } = answer?.timings ?? {};
    const tokens = answer?.tokens;
    return [
      tokens !== undefined && this.#words.tokens(tokens),
      tokensPerSecond !== undefined && this.#words.tokensPerSecond(tokensPerSecond),
      firstTokenMs !== undefined && this.#words.firstToken(firstTokenMs),
      queueMs !== undefined && queueMs >= 100 && this.#words.queued(queueMs),
    ]
      .filter(Boolean)
      .join(" · ");
  }
}

/** A button under a question or an answer. By its name, the one that takes its place is found. */
function tool(name: string, icon: IconName, label: string, run: () => void): HTMLButtonElement {
  const made = button(icon, label, run, true);
  made.name = name;
  return made;
}
