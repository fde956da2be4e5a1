/* The contract between the chat API and the page. */

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
  /** The thinking before a partial answer; only in the message that is continued. */
  readonly reasoning?: string;
}

/** How the model chooses its tokens. What is left out keeps the default of the model or of its operator. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly maxTokens?: number;
  readonly thinkingTokens?: number;
  readonly seed?: number;
}

export interface ChatRequest {
  readonly messages: readonly Message[];
  readonly thinking: boolean;
  readonly continue: boolean;
  readonly sampling?: Sampling;
  /** One of {@link ModelStatus.models}; absent: the default. */
  readonly model?: string;
}

export interface Start {
  readonly id: string;
  readonly model: string;
  readonly contextWindow?: number;
}

/** The states that the stream's `end` event can tell. */
export const endStates = ["done", "length", "window-full", "thinking-limit", "repetition", "filtered", "truncated"] as const;

export type EndState = (typeof endStates)[number];

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens?: number;
}

export interface Timings {
  readonly firstTokenMs?: number | undefined;
  /** How long the request waited in the model server's queue, where the server tells it. */
  readonly queueMs?: number;
  readonly tokensPerSecond?: number;
  readonly relayMs?: number;
}

export interface End {
  readonly state: EndState;
  /** The model server's own sentence, where the state has one. */
  readonly detail?: string;
  readonly usage?: Usage;
  readonly timings?: Timings;
}

export const problemCodes = [
  "invalid-request",
  "too-large",
  "forbidden-origin",
  "context-overflow",
  "model-auth",
  "model-not-found",
  "model-error",
  "unreachable",
  "busy",
  // Told by the page itself: a login proxy answered in place of the chat API.
  "signed-out",
] as const;

export type ProblemCode = (typeof problemCodes)[number];

/** An RFC 9457 problem document, as the chat API sends it. */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly promptTokens?: number;
  readonly contextWindow?: number;
  /** Whether the same request may succeed later. */
  readonly retryable?: boolean;
  /** From the `Retry-After` header, at most 60. */
  readonly retryAfterSeconds?: number;
}

export interface ModelStatus {
  /** `signed-out` and `offline` are told by the page itself. */
  readonly state: "ready" | "loading" | "unreachable" | "busy" | "signed-out" | "offline";
  readonly model?: string;
  /** The models to choose from, if there are several; the first one is the default. */
  readonly models?: readonly string[];
  readonly contextWindow?: number;
  readonly version?: string;
  readonly simulated: boolean;
  /** Whether the thinking switch does something with this model; absent if that isn't known. */
  readonly thinking?: boolean;
  /** The requests in the model server's queue, if asked for and known. */
  readonly waiting?: number;
  /** While not ready: the code of the problem. */
  readonly code?: ProblemCode;
}

export interface TokenCount {
  readonly count: number;
  readonly contextWindow: number;
}
