import { type Exchange, versionOf } from "../conversation/conversation.ts";
import { textOf } from "../conversation/draft.ts";
import { copyButton } from "../dom/clipboard.ts";
import { button, el, showText } from "../dom/element.ts";
import { AnswerText } from "../render/answerText.ts";
import type { Turn } from "../turn/turn.ts";
import type { Words } from "../words/index.ts";
import { answerEditor } from "./answerEditor.ts";
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
  readonly #copy: HTMLElement;
  readonly #copyQuestion: HTMLElement;
  readonly #leftOut: HTMLElement;
  #exchange: Exchange;
  /** The form in which the answer is edited, or the one for a wish. */
  #form: HTMLElement | undefined;
  #toolsKey = "";

  constructor(exchange: Exchange, words: Words, actions: ExchangeActions) {
    this.#exchange = exchange;
    this.#words = words;
    this.#actions = actions;
    this.#thinking = new Thinking(words, actions.answerNow);
    this.#text = new AnswerText(words);
    this.#copy = copyButton(() => ({ text: this.#exchange.answer?.text ?? "", html: this.#text.html }), words.copyAnswer, words);
    this.#copyQuestion = copyButton(() => textOf(this.#exchange.question), words.copyQuestion, words);
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
    this.#text.show(text, !running);
    this.#text.streaming = turn?.phase.kind === "answering";
    this.#note.show(note);
    if (isBusy) this.#closeForm();
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
    this.#questionTools.replaceChildren(this.#copyQuestion, ...(isBusy ? [] : [button("edit", words.edit, () => actions.edit(id), true)]));
    if (isBusy) {
      this.#tools.replaceChildren(...(answer?.text ? [this.#copy] : []));
      return;
    }
    const version = (direction: "earlier" | "later", label: string, isEnd: boolean) => {
      const made = button(direction, label, () => isEnd || actions.showVersion(id, direction), true);
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
      ...(answer ? [button("regenerate", words.regenerate, () => actions.regenerate(id), true)] : []),
      ...(answer?.text ? [button("wish", words.regenerateWithWish, () => this.#openWishes(), true)] : []),
      ...(answer?.text ? [button("edit", words.editAnswer, () => this.#openEditor(), true)] : []),
      button(leftOut ? "takeIn" : "leaveOut", leftOut ? words.takeIn : words.leaveOut, () => actions.leaveOut(id, !leftOut), true),
    );
  }

  #openEditor(): void {
    this.#closeForm();
    const { id, answer } = this.#exchange;
    this.#form = answerEditor(
      answer?.text ?? "",
      this.#words,
      (text, continues) => {
        this.#closeForm();
        this.#actions.editAnswer(id, text, continues);
      },
      () => this.#closeForm(),
    );
    this.#text.element.hidden = true;
    this.#text.element.after(this.#form);
  }

  #openWishes(): void {
    const isOpen = this.#form?.className === "wish-form";
    this.#closeForm();
    if (isOpen) return;
    this.#form = wishForm(
      this.#words,
      (wish) => {
        this.#closeForm();
        this.#actions.regenerate(this.#exchange.id, wish);
      },
      () => this.#closeForm(),
    );
    this.#under.after(this.#form);
    this.#form.querySelector("button")?.focus();
  }

  #closeForm(): void {
    this.#form?.remove();
    this.#form = undefined;
    this.#text.element.hidden = false;
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

/** A model's name without its organisation. */
export const shortName = (model: string | undefined): string | undefined => model?.replace(/\/+$/, "").split("/").at(-1);
