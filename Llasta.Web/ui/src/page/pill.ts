import type { ChatClient } from "../turn/client.ts";
import type { ModelStatus } from "../turn/wire.ts";
import type { Words } from "../words/index.ts";
import { announce } from "../dom/announcer.ts";
import { el, showText } from "../dom/element.ts";
import { shortName } from "./modelName.ts";
import { longLoading } from "./notes.ts";

/** How often the model's state is requested, milliseconds: it rarely changes once it is ready. */
const whenReady = 15_000;
const whenNot = 2_000;
const whenLearnt = 500;

export interface PillActions {
  readonly status: (status: ModelStatus) => void;
  /** The reader has chosen another model. */
  readonly chosen: () => void;
}

/** Shows which model answers, and its state. Where there are several models, its name is a menu. */
export class Pill {
  readonly element = el("p", { className: "pill" });
  readonly #client: ChatClient;
  readonly #words: Words;
  readonly #actions: PillActions;
  readonly #name = el("span", { className: "name" });
  readonly #menu: HTMLSelectElement;
  readonly #state = el("span", { className: "state" });
  readonly #badge: HTMLElement;
  #status: ModelStatus | undefined;
  #since = 0;
  #timer = 0;
  #asking: AbortController | undefined;
  /** When a turn has last shown that the model answers. */
  #answeredAt = 0;
  #waiting = false;

  constructor(client: ChatClient, words: Words, actions: PillActions) {
    this.#client = client;
    this.#words = words;
    this.#actions = actions;
    this.#menu = el("select", { className: "name", ariaLabel: words.chooseModel, hidden: true });
    this.#menu.addEventListener("change", () => this.#choose(this.#menu.value));
    this.#badge = el("span", { className: "badge", title: words.simulatedHint, hidden: true }, words.simulated);
    this.#name.textContent = words.asking;
    this.element.append(el("span", { className: "dot" }), this.#name, this.#menu, this.#state, this.#badge);
    document.addEventListener("visibilitychange", () => void this.ask());
    for (const name of ["online", "offline"]) window.addEventListener(name, () => void this.ask());
    window.setInterval(() => this.#tick(), 1000);
  }

  get status(): ModelStatus | undefined {
    return this.#status;
  }

  /** A turn waits for its first token: the state is requested often, together with the length of the server's queue. */
  set waiting(waiting: boolean) {
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    if (waiting) {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => void this.ask(), whenNot);
    }
  }

  /** A turn has just shown the state: that is newer than the last answer. The state is confirmed soon. */
  learn(state: ModelStatus["state"]): void {
    const known = this.#status?.state;
    if (state === "ready") this.#answeredAt = performance.now();
    // A refused connection doesn't tell a model that is loading from one that can't be reached: the server's answer does.
    if (known === state || ((known === "loading" || known === "offline") && state === "unreachable")) return;
    this.#take({ simulated: false, ...this.#status, state });
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.ask(), whenLearnt);
  }

  /** Requests the state now, and then repeatedly while the page is visible. */
  async ask(): Promise<void> {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    const since = performance.now();
    const status = await this.#client.model(this.#waiting, asking);
    // Asked again meanwhile, perhaps for another model: this answer is out of date.
    if (asking !== this.#asking) return;
    // Over HTTP/1.1, the answers of six tabs use all connections, and the request is never sent: the model answers all the same.
    if (status.state !== "unreachable" || this.#answeredAt < since) this.#take(status);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.ask(), this.#status?.state === "ready" && !this.#waiting ? whenReady : whenNot);
  }

  #take(status: ModelStatus): void {
    const before = this.#status;
    // An unreachable model keeps its last known name, and the menu its models.
    this.#status = status.model === undefined && before ? { ...before, ...status, simulated: before.simulated } : status;
    // The server lists it no more, or the operator has fixed another one: the default answers.
    if (status.state === "ready" && !status.models?.includes(this.#client.chosenModel ?? "")) this.#client.chosenModel = undefined;
    if (before?.state !== status.state) {
      this.#since = performance.now();
      if (before || status.state !== "ready") this.#announce(this.#status);
    }
    this.#show(this.#status);
    this.#actions.status(this.#status);
  }

  #choose(model: string): void {
    this.#client.chosenModel = model;
    void this.ask();
    this.#actions.chosen();
  }

  /** The menu is only rebuilt for another list: the reader may have it open. */
  #showModels(models: readonly string[] = [], model: string | undefined): void {
    if (models.join("\n") !== [...this.#menu.options].map(({ value }) => value).join("\n"))
      this.#menu.replaceChildren(...models.map((value) => el("option", { value }, menuName(value, models))));
    this.#menu.hidden = models.length === 0;
    this.#name.hidden = models.length > 0 || !model;
    const shown = this.#client.chosenModel ?? model ?? "";
    if (this.#menu.value !== shown) this.#menu.value = shown;
  }

  #show({ state, model, models, version, simulated }: ModelStatus): void {
    this.element.dataset["state"] = state;
    this.element.title = [model, version, state === "loading" && this.#words.hints.unreachable].filter(Boolean).join(" · ");
    this.#name.textContent = shortName(model) ?? "";
    this.#showModels(models, model);
    this.#badge.hidden = !simulated;
    this.#tick();
  }

  #tick(): void {
    const state = this.#status?.state;
    if (!state || document.hidden) return;
    const time = performance.now() - this.#since;
    const elapsed = state === "loading" || state === "unreachable" ? ` ${this.#words.elapsed(time / 1000)}` : "";
    const name = state === "loading" && time > longLoading ? this.#words.loadingLong : this.#words.modelStates[state];
    showText(this.#state, name + elapsed);
  }

  #announce({ state, model }: ModelStatus): void {
    const words = this.#words;
    const texts = {
      ready: words.modelReady(shortName(model) ?? ""),
      loading: words.modelLoading,
      unreachable: words.modelUnreachable,
      busy: words.modelBusy,
      "signed-out": words.modelSignedOut,
      offline: words.modelOffline,
    };
    announce(texts[state]);
  }
}

/** A model's short name, unless another one has the same. */
const menuName = (model: string, models: readonly string[]): string =>
  models.some((other) => other !== model && shortName(other) === shortName(model)) ? model : (shortName(model) ?? model);
