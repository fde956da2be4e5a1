import type { ChatClient } from "../turn/client.ts";
import type { ModelStatus } from "../turn/wire.ts";
import type { Words } from "../words/index.ts";
import { announce } from "../dom/announcer.ts";
import { el } from "../dom/element.ts";
import { shortName } from "./exchange.ts";

/** How often the model's state is requested, milliseconds: it rarely changes once it is ready. */
const whenReady = 15_000;
const whenNot = 2_000;
const whenLearnt = 500;

/** A model that loads for longer than this may not be running at all, milliseconds. */
const longLoading = 60_000;

/** Shows which model answers, and its state. */
export class Pill {
  readonly element = el("p", { className: "pill" });
  readonly #client: ChatClient;
  readonly #words: Words;
  readonly #onStatus: (status: ModelStatus) => void;
  readonly #name = el("span", { className: "name" });
  readonly #state = el("span", { className: "state" });
  readonly #badge: HTMLElement;
  #status: ModelStatus | undefined;
  #since = 0;
  #timer = 0;

  constructor(client: ChatClient, words: Words, onStatus: (status: ModelStatus) => void) {
    this.#client = client;
    this.#words = words;
    this.#onStatus = onStatus;
    this.#badge = el("span", { className: "badge", title: words.simulatedHint, hidden: true }, words.simulated);
    this.#name.textContent = words.asking;
    this.element.append(el("span", { className: "dot" }), this.#name, this.#state, this.#badge);
    document.addEventListener("visibilitychange", () => void this.ask());
    window.addEventListener("online", () => void this.ask());
    window.setInterval(() => this.#tick(), 1000);
  }

  get status(): ModelStatus | undefined {
    return this.#status;
  }

  /** A turn has just shown the state: that is newer than the last answer. The state is confirmed soon. */
  learn(state: ModelStatus["state"]): void {
    const known = this.#status?.state;
    // A refused connection doesn't tell a model that is loading from one that can't be reached: the server's answer does.
    if (known === state || (known === "loading" && state === "unreachable")) return;
    this.#take({ simulated: false, ...this.#status, state });
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.ask(), whenLearnt);
  }

  /** Requests the state now, and then repeatedly while the page is visible. */
  async ask(): Promise<void> {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    this.#take(await this.#client.model());
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.ask(), this.#status?.state === "ready" ? whenReady : whenNot);
  }

  #take(status: ModelStatus): void {
    const before = this.#status;
    // An unreachable model keeps its last known name.
    this.#status = { ...(before?.model && { model: before.model, simulated: before.simulated }), ...status };
    if (before?.state !== status.state) {
      this.#since = performance.now();
      if (before || status.state !== "ready") this.#announce(this.#status);
    }
    this.#show(this.#status);
    this.#onStatus(this.#status);
  }

  #show({ state, model, version, simulated }: ModelStatus): void {
    this.element.dataset["state"] = state;
    this.element.title = [model, version, state === "loading" && this.#words.hints.unreachable].filter(Boolean).join(" · ");
    this.#name.textContent = shortName(model) ?? "";
    this.#name.hidden = !model;
    this.#badge.hidden = !simulated;
    this.#tick();
  }

  #tick(): void {
    const state = this.#status?.state;
    if (!state || document.hidden) return;
    const time = performance.now() - this.#since;
    const elapsed = state === "loading" || state === "unreachable" ? ` ${this.#words.elapsed(time / 1000)}` : "";
    const name = state === "loading" && time > longLoading ? this.#words.loadingLong : this.#words.modelStates[state];
    const text = name + elapsed;
    if (this.#state.textContent !== text) this.#state.textContent = text;
  }

  #announce({ state, model }: ModelStatus): void {
    const words = this.#words;
    const texts = {
      ready: words.modelReady(shortName(model) ?? ""),
      loading: words.modelLoading,
      unreachable: words.modelUnreachable,
      busy: words.modelBusy,
      "signed-out": words.modelSignedOut,
    };
    announce(texts[state]);
  }
}
