/* The contract between the chat API and the page. */

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
  /** The thinking before a partial answer; only in the message that is continued. */
  readonly reasoning?: string;
}

export interface ChatRequest {
  readonly messages: readonly Message[];
  readonly thinking: boolean;
  readonly continue: boolean;
}

export interface Start {
  readonly id: string;
  readonly model: string;
  readonly contextWindow?: number;
}

export type EndState = "done" | "length" | "thinking-limit" | "truncated";

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens?: number;
}

export interface Timings {
  readonly firstTokenMs?: number | undefined;
  readonly tokensPerSecond?: number;
  readonly relayMs?: number;
}

export interface End {
  readonly state: EndState;
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
] as const;

export type ProblemCode = (typeof problemCodes)[number];

/** An RFC 9457 problem document, as the chat API sends it. */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly promptTokens?: number;
  readonly contextWindow?: number;
  /** From the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
}

export interface ModelStatus {
  readonly state: "ready" | "loading" | "unreachable" | "busy";
  readonly model?: string;
  readonly contextWindow?: number;
  readonly version?: string;
  readonly simulated: boolean;
}

export interface TokenCount {
  readonly count: number;
  readonly contextWindow: number;
}
