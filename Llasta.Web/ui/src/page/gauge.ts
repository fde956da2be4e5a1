import { isEmpty, messagesOf } from "../conversation/conversation.ts";
import { type Draft, isBlank } from "../conversation/draft.ts";
import type { Session } from "../conversation/session.ts";
import type { ChatClient } from "../turn/client.ts";
import type { Words } from "../words/index.ts";
import { el } from "../dom/element.ts";

/** How long typing has to pause before the draft is counted, milliseconds. */
const quiet = 600;

/** How full the context window is with the conversation and the draft, as counted by the model's server. */
export class Gauge {
  readonly element = el("div", { className: "gauge", role: "meter", hidden: true });
  readonly #fill = el("span", { className: "fill" });
  readonly #text = el("span", { className: "text" });
  readonly #client: ChatClient;
  readonly #session: Session;
  readonly #words: Words;
  #timer = 0;
  #counting: AbortController | undefined;
  #canCount = true;
  #window = 0;

  constructor(client: ChatClient, session: Session, words: Words) {
    this.#client = client;
    this.#session = session;
    this.element.ariaLabel = words.context;
    this.element.ariaValueMin = "0";
    this.element.append(el("span", { className: "track" }, this.#fill), this.#text);
    this.#words = words;
  }

  set window(tokens: number | undefined) {
    if (tokens) this.#window = tokens;
  }

  /** A turn begins, so a pending count is out of date. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#counting?.abort();
  }

  /** The turn has ended: its usage is exact and costs no request. A stopped turn has no usage. */
  ended(draft: Draft): void {
    this.cancel();
    const { exchanges } = this.#session.conversation;
    const usage = exchanges.at(-1)?.answer?.usage;
    if (usage) this.#show(usage.promptTokens + usage.completionTokens - (usage.reasoningTokens ?? 0));
    else if (exchanges.length === 0 || !this.#canCount) this.element.hidden = true;
    if (!isBlank(draft) || (!usage && exchanges.length > 0)) this.count(draft);
  }

  /** Something was changed that the usage of the last turn doesn't tell: a turn left out, another system prompt. */
  changed(draft: Draft): void {
    if (!this.#canCount || isEmpty(this.#session.conversation)) this.ended(draft);
    this.count(draft);
  }

  /** Counts after a short pause in typing. */
  count(draft: Draft): void {
    this.cancel();
    if (!this.#canCount) return;
    this.#timer = window.setTimeout(() => void this.#count(draft), quiet);
  }

  async #count(draft: Draft): Promise<void> {
    const messages = messagesOf(this.#session.conversation, draft);
    if (this.#session.turn) return;
    if (messages.length === 0) {
      this.element.hidden = true;
      return;
    }
    this.#counting = new AbortController();
    try {
      const result = await this.#client.tokens(messages, this.#session.thinking, this.#counting);
      this.#canCount = result !== null;
      if (!result) return;
      this.#window = result.contextWindow;
      this.#show(result.count);
    } catch {
      // The gauge keeps its last figure until the next change.
    }
  }

  #show(tokens: number): void {
    if (!this.#window) return;
    const share = tokens / this.#window;
    this.element.hidden = false;
    this.element.ariaValueMax = String(this.#window);
    this.element.ariaValueNow = String(Math.min(tokens, this.#window));
    this.element.ariaValueText = this.#words.contextOf(tokens, this.#window);
    this.element.title = this.#words.contextOf(tokens, this.#window);
    this.element.classList.toggle("high", share > 0.8);
    this.#fill.style.width = `${Math.min(1, share) * 100}%`;
    this.#text.textContent = this.#words.share(share);
  }
}
