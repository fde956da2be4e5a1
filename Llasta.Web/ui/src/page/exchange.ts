import type { Exchange } from "../conversation/conversation.ts";
import type { Turn } from "../turn/turn.ts";
import type { Words } from "../words/index.ts";
import { AnswerText } from "../render/answerText.ts";
import { copyButton } from "../dom/clipboard.ts";
import { button, el } from "../dom/element.ts";

/** The note under an answer: why it is incomplete, and the one action to take. */
export interface Note {
  readonly tone: "quiet" | "problem";
  readonly text: string;
  readonly detail?: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

export interface ExchangeActions {
  readonly regenerate: () => void;
  readonly edit: () => void;
  readonly answerNow: () => void;
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
  readonly #note = el("div", { className: "note", hidden: true });
  readonly #figures = el("p", { className: "figures" });
  readonly #tools = el("div", { className: "tools" });
  readonly #copy: HTMLElement;
  #exchange: Exchange;
  #noteKey = "";
  #toolsKey = "";

  constructor(exchange: Exchange, words: Words, actions: ExchangeActions) {
    this.#exchange = exchange;
    this.#words = words;
    this.#actions = actions;
    this.#thinking = new Thinking(words, actions.answerNow);
    this.#text = new AnswerText(words);
    this.#copy = copyButton(() => this.#exchange.answer?.text ?? "", words.copyAnswer, words);
    const question = el("div", { className: "question" }, exchange.question);
    if (exchange.question.length > 280 || exchange.question.split("\n").length > 4) question.classList.add("long");
    this.#answerBox.append(
      this.#thinking.element,
      this.#text.element,
      this.#note,
      el("div", { className: "under" }, this.#tools, this.#figures),
    );
    this.element = el(
      "article",
      { className: "exchange" },
      el("h2", { className: "who you" }, words.you),
      question,
      this.#name,
      this.#answerBox,
    );
  }

  /** @param turn the turn that is running for this exchange, if any. */
  show(exchange: Exchange, turn: Turn | undefined, note: Note | undefined, isLast: boolean): void {
    this.#exchange = exchange;
    const { answer } = exchange;
    const running = turn !== undefined;
    const text = turn ? turn.answer : (answer?.text ?? "");
    this.element.setAttribute("aria-busy", String(running));
    this.element.classList.toggle("last", isLast);
    this.#name.textContent = shortName(turn?.model ?? answer?.model) ?? this.#words.answer;
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
    this.#showNote(note);
    this.#showTools(!running && isLast, !running && Boolean(answer?.text));
    this.#figures.textContent = running ? "" : this.#figuresOf(exchange);
  }

  #showNote(note: Note | undefined): void {
    const key = note ? JSON.stringify([note.tone, note.text, note.detail, note.action?.label]) : "";
    if (key === this.#noteKey) return;
    this.#noteKey = key;
    this.#note.hidden = !note;
    this.#note.className = `note ${note?.tone ?? ""}`;
    this.#note.replaceChildren();
    if (!note) return;
    this.#note.append(el("p", {}, note.text, note.detail ? el("span", { className: "detail" }, note.detail) : undefined));
    if (note.action) this.#note.append(button(undefined, note.action.label, note.action.run));
  }

  #showTools(isLast: boolean, hasText: boolean): void {
    const key = `${isLast}${hasText}`;
    if (key === this.#toolsKey) return;
    this.#toolsKey = key;
    this.#tools.replaceChildren(
      ...(hasText ? [this.#copy] : []),
      ...(isLast && this.#exchange.answer ? [button("reset", this.#words.regenerate, this.#actions.regenerate, true)] : []),
      ...(isLast ? [button("edit", this.#words.edit, this.#actions.edit, true)] : []),
    );
  }

  #figuresOf({ answer }: Exchange): string {
    const { firstTokenMs, tokensPerSecond } = answer?.timings ?? {};
    const tokens = answer?.tokens;
    return [
      tokens !== undefined && this.#words.tokens(tokens),
      tokensPerSecond !== undefined && this.#words.tokensPerSecond(tokensPerSecond),
      firstTokenMs !== undefined && this.#words.firstToken(firstTokenMs),
    ]
      .filter(Boolean)
      .join(" · ");
  }
}

/** A model's name without its organisation. */
export const shortName = (model: string | undefined): string | undefined => model?.split("/").at(-1);

interface ThinkingState {
  readonly text: string;
  readonly streaming: boolean;
  readonly skipped: boolean;
  readonly ms: number | undefined;
  readonly skippable: boolean;
  readonly answerBegun: boolean;
}

/** The model's thinking: open while it streams, closed when the answer begins, then as the reader leaves it. */
class Thinking {
  readonly #summary = el("summary");
  readonly #text = el("div", { className: "thought" });
  readonly #details = el("details", { className: "thinking" }, this.#summary, this.#text);
  readonly element = el("div", { className: "thinking-box", hidden: true }, this.#details);
  readonly #words: Words;
  readonly #answerNow: HTMLButtonElement;
  #shown = "";
  #last = document.createTextNode("");
  #wasStreaming = false;
  #answerBegan = false;

  constructor(words: Words, answerNow: () => void) {
    this.#words = words;
    this.#answerNow = button(undefined, words.answerNow, answerNow);
    this.#answerNow.hidden = true;
    this.element.append(this.#answerNow);
  }

  show({ text, streaming, skipped, ms, skippable, answerBegun }: ThinkingState): void {
    // Qwen3 starts its thinking with an empty line.
    const thought = text.trimStart();
    this.element.hidden = thought === "";
    this.#grow(thought);
    if (streaming && !this.#wasStreaming) this.#details.open = true;
    if (answerBegun && !this.#answerBegan) this.#details.open = false;
    this.#wasStreaming = streaming;
    this.#answerBegan = answerBegun;
    this.#details.classList.toggle("streaming", streaming);
    this.#answerNow.hidden = !skippable;
    const label = this.#label(streaming, skipped, ms);
    if (this.#summary.textContent !== label) this.#summary.textContent = label;
  }

  #label(streaming: boolean, skipped: boolean, ms: number | undefined): string {
    if (streaming) return this.#words.thinking;
    if (ms === undefined) return this.#words.thoughtNoTime;
    return skipped ? this.#words.thoughtSkipped(ms / 1000) : this.#words.thought(ms / 1000);
  }

  /** Thinking is shown as plain paragraphs; only the last one grows. */
  #grow(text: string): void {
    if (text === this.#shown) return;
    const { scrollTop, clientHeight, scrollHeight } = this.#text;
    const atEnd = scrollHeight - clientHeight - scrollTop < 24;
    if (!text.startsWith(this.#shown) || this.#shown === "") {
      this.#shown = "";
      this.#last = document.createTextNode("");
      this.#text.replaceChildren(el("p", {}, this.#last));
    }
    const [rest, ...paragraphs] = text.slice(this.#shown.length).split(/\n{2,}/);
    this.#last.appendData(rest!);
    for (const paragraph of paragraphs) {
      this.#last = document.createTextNode(paragraph);
      this.#text.append(el("p", {}, this.#last));
    }
    this.#shown = text;
    this.#text.classList.toggle("clipped", this.#text.scrollHeight > this.#text.clientHeight + 1);
    if (atEnd) this.#text.scrollTop = this.#text.scrollHeight;
  }
}
