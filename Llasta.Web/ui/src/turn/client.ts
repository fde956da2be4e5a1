import { updateIntervalMs } from "./pace.ts";
import { EventStreamParser, type ServerSentEvent } from "./sse.ts";
import {
  endStates,
  problemCodes,
  type ChatRequest,
  type End,
  type Message,
  type ModelStatus,
  type Problem,
  type ProblemCode,
  type Start,
  type TokenCount,
} from "./wire.ts";

/** What a request for an answer can deliver. Nothing follows `end`, `failed` or `cut`. */
export type Delivery =
  | { readonly kind: "start"; readonly start: Start }
  | { readonly kind: "reasoning"; readonly text: string }
  /** The server does not continue the partial answer: what follows takes its place. */
  | { readonly kind: "restart" }
  /** All answer text of this response so far was thinking. */
  | { readonly kind: "all-reasoning" }
  | { readonly kind: "answer"; readonly text: string }
  | { readonly kind: "end"; readonly end: End }
  | { readonly kind: "failed"; readonly problem: Problem }
  /** The stream ended, broke or went silent before it said how the turn ended. */
  | { readonly kind: "cut" };

/**
 * The chat API answers within 15 s, or begins a stream and sends a comment after each 15 s of silence. After four times that, the
 * connection is taken for dead. A tunnel that hangs doesn't close it.
 */
const silenceMs = 60_000;

/** The browser doesn't tell when a request has been sent, so its limit allows for the slowest upload: 64 kbit/s, in bytes per millisecond. */
const slowestUpload = 8;

/** The chat API ends a turn whose first token takes longer than 10 minutes. */
const longestPatience = 16 * silenceMs;

/** The chat API over `fetch`; it runs in a browser and in Node. */
export class ChatClient {
  /** The model that the reader has chosen for the next turns; undefined: the default. */
  chosenModel: string | undefined;
  readonly #base: string;
  readonly #fetch: typeof fetch;
  /**
   * How long an answer may take to begin. A proxy that holds back whole answers looks dead, too, except that it answers other requests
   * meanwhile: then the next request waits twice as long.
   */
  #patience = silenceMs;
  /** When a request was answered last. */
  #heardAt = 0;

  /** @param base where `api/` is, ending in a slash; by default the page's own folder. */
  constructor(base = "", fetchWith: typeof fetch = (input, init) => fetch(input, init)) {
    this.#base = base;
    this.#fetch = fetchWith;
  }

  /**
   * Requests an answer and yields what each read of the stream delivered. It never throws. Aborting `signal`
   * closes the request and ends the sequence without another delivery.
   */
  async *chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<readonly Delivery[], void> {
    const closing = new AbortController();
    const close = () => closing.abort();
    signal.addEventListener("abort", close);
    try {
      let response: Response;
      const since = performance.now();
      try {
        response = await this.#post("api/chat", request, closing, this.#patience);
      } catch {
        if (signal.aborted) return;
        // A hidden page asks for nothing else.
        if (closing.signal.aborted && (this.#heardAt > since || globalThis.document?.hidden))
          this.#patience = Math.min(2 * this.#patience, longestPatience);
        yield [{ kind: "failed", problem: lost }];
        return;
      }
      if (performance.now() - since < silenceMs) this.#patience = silenceMs;
      if (!response.ok || !response.body || !isOf("text/event-stream", response)) {
        let problem = await problemOf(response, closing);
        // A firewall that refuses one message also answers with a page, but it lets other requests pass.
        if (response.status === 403 && problem.code === "signed-out" && (await this.model(false, closing)).state !== "signed-out")
          problem = { code: "invalid-request", detail: "" };
        if (!signal.aborted) yield [{ kind: "failed", problem }];
        return;
      }
      yield* deliveries(response.body, signal, closing);
    } finally {
      signal.removeEventListener("abort", close);
      close();
    }
  }

  /**
   * The chosen model's state; `unreachable` or `offline` when the request for it fails.
   * @param waiting also ask how many requests wait in the model server's queue.
   */
  async model(waiting = false, closing = new AbortController()): Promise<ModelStatus> {
    const query = new URLSearchParams({ ...(this.chosenModel && { model: this.chosenModel }), ...(waiting && { waiting: "1" }) });
    const { signal } = closing;
    try {
      const url = `${this.#base}api/model${query.size > 0 ? `?${query}` : ""}`;
      const response = await this.#heard(within(silenceMs, closing, this.#fetch(url, { redirect: "manual", signal })));
      if (isSignedOut(response)) return { state: "signed-out", simulated: false };
      if (response.ok) return (await within(silenceMs, closing, response.json())) as ModelStatus;
    } catch {
      // The result below says so.
    }
    return { state: isOffline() ? "offline" : "unreachable", simulated: false };
  }

  /** Counts a conversation's tokens for the chosen model. Returns null if the model's server can't count; that doesn't change later. @throws on any other failure. */
  async tokens(messages: readonly Message[], thinking: boolean, closing = new AbortController()): Promise<TokenCount | null> {
    const response = await this.#post("api/tokens", { messages, thinking, ...(this.chosenModel && { model: this.chosenModel }) }, closing);
    if (response.status === 501) return null;
    if (!response.ok) throw new Error(`api/tokens: ${response.status}`);
    return (await within(silenceMs, closing, response.json())) as TokenCount;
  }

  #post(path: string, content: unknown, closing: AbortController, limitMs = silenceMs): Promise<Response> {
    const json = JSON.stringify(content, (_, value: unknown) => (typeof value === "string" ? wellFormed(value) : value));
    const body = new TextEncoder().encode(json);
    const response = this.#fetch(this.#base + path, {
      method: "POST",
      // A redirect leads to a login page: the policy forbids to follow it, and its page would be no answer.
      redirect: "manual",
      headers: { "Content-Type": "application/json" },
      body,
      signal: closing.signal,
    });
    return this.#heard(within(limitMs + body.length / slowestUpload, closing, response));
  }

  async #heard(response: Promise<Response>): Promise<Response> {
    const head = await response;
    this.#heardAt = performance.now();
    return head;
  }
}

/**
 * Waits for a part of a response, and closes its request if the part takes longer than this. The wait ends when the request is closed: a
 * part that was being read when the connection broke may never settle.
 */
async function within<Part>(ms: number, closing: AbortController, part: Promise<Part>): Promise<Part> {
  const { signal } = closing;
  let end = (): void => {};
  const closed = new Promise<never>((_, reject) => (end = () => reject(signal.reason)));
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  const watchdog = setTimeout(() => closing.abort(), ms);
  try {
    return await Promise.race([part, closed]);
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener("abort", end);
  }
}

/** The connection was lost before the response said anything. */
const lost: Problem = { code: "unreachable", detail: "" };

/**
 * Replaces halves of surrogate pairs that stand alone. A model or a paste can contain one, and as JSON it is no Unicode: the chat API would
 * refuse this conversation from then on.
 */
const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, "\uFFFD");

async function* deliveries(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  closing: AbortController,
): AsyncGenerator<readonly Delivery[], void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventStreamParser();
  for (;;) {
    let read: { done: boolean; value?: Uint8Array | undefined };
    try {
      read = await within(silenceMs, closing, reader.read());
    } catch {
      read = { done: true };
    }
    if (signal.aborted) return;
    if (read.done) {
      yield [{ kind: "cut" }];
      return;
    }
    const batch: Delivery[] = [];
    for (const event of parser.push(decoder.decode(read.value, { stream: true }))) {
      const delivery = toDelivery(event);
      if (!delivery) continue;
      batch.push(delivery);
      if (delivery.kind === "end" || delivery.kind === "failed" || delivery.kind === "cut") {
        yield batch;
        return;
      }
    }
    if (batch.length > 0) yield batch;
    await pause(signal);
  }
}

/** Ends early when `signal` is aborted. A hidden page doesn't pause, because browsers slow its timers down. */
async function pause(signal: AbortSignal): Promise<void> {
  if (signal.aborted || globalThis.document?.hidden) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, updateIntervalMs);
    signal.addEventListener("abort", done);
  });
}

function toDelivery({ name, data }: ServerSentEvent): Delivery | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return { kind: "cut" };
  }
  switch (name) {
    case "start":
      return { kind: "start", start: value as Start };
    case "reasoning":
      return { kind: "reasoning", text: String(value) };
    case "message":
      return { kind: "answer", text: String(value) };
    case "restart":
    case "all-reasoning":
      return { kind: name };
    case "end": {
      const end = value as End;
      // A state that this page doesn't know is never taken for a complete answer.
      if (!endStates.includes(end.state))
        return { kind: "failed", problem: { code: "model-error", detail: `${end.state}: ${end.detail ?? ""}` } };
      return { kind: "end", end };
    }
    case "error":
      return { kind: "failed", problem: toProblem(value, 500) };
    default:
      return undefined;
  }
}

async function problemOf(response: Response, closing: AbortController): Promise<Problem> {
  if (isSignedOut(response)) return { code: "signed-out", detail: "" };
  const body = await within(silenceMs, closing, response.text()).catch(() => undefined);
  const { status } = response;
  // These don't tell by themselves what is wrong: a 400 is a conversation that is too long, or a wrong request.
  const isLost = body === undefined && (response.ok || status === 400 || status >= 500);
  const problem = isLost ? lost : toProblem(parsed(body ?? ""), response.ok ? 500 : response.status);
  const seconds = retryAfter(response.headers.get("Retry-After"));
  return seconds > 0 ? { ...problem, retryAfterSeconds: seconds } : problem;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The reader's machine has no network at all. */
const isOffline = (): boolean => globalThis.navigator?.onLine === false;

const isOf = (type: string, response: Response): boolean => response.headers.get("Content-Type")?.toLowerCase().startsWith(type) ?? false;

/**
 * The chat API neither redirects nor answers with a 401, a 511 or a page: a login proxy or a network's portal in between does. The page
 * with which a proxy asks to sign in can be a 403; one that is an error of the server isn't a login.
 */
const isSignedOut = (response: Response): boolean =>
  response.type === "opaqueredirect" ||
  (response.status >= 300 && response.status < 400) ||
  response.status === 401 ||
  response.status === 511 ||
  ((response.ok || response.status === 403) && isOf("text/html", response));

/** The longest pause that a server may ask for, seconds. */
const longestRetryAfter = 60;

/** Seconds, from a number of seconds or a date; 0 if there is none. */
function retryAfter(header: string | null): number {
  if (!header) return 0;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Math.min(Math.max(seconds || 0, 0), longestRetryAfter);
}

/** Codes for responses of a proxy in between, which carry no problem document of ours. */
const codesByStatus: Partial<Record<number, ProblemCode>> = {
  400: "invalid-request",
  403: "forbidden-origin",
  413: "too-large",
  415: "invalid-request",
  429: "busy",
  503: "unreachable",
  504: "unreachable",
};

function toProblem(body: unknown, status: number): Problem {
  const { code, detail, promptTokens, contextWindow, retryable } = (body ?? {}) as Partial<Record<string, unknown>>;
  const known = problemCodes.find((known) => known === code);
  return {
    // A 502 without any code of ours is a gateway's.
    code: known ?? codesByStatus[status] ?? (status === 502 && code === undefined ? "unreachable" : "model-error"),
    detail: typeof detail === "string" ? detail : "",
    ...(typeof promptTokens === "number" && { promptTokens }),
    ...(typeof contextWindow === "number" && { contextWindow }),
    ...(typeof retryable === "boolean" && { retryable }),
  };
}
