import type { Service } from "./service.ts";

/** A request as `/sim/requests` reports it (ModelSim/Control/RequestRecord.cs). */
export interface ModelRequest {
  readonly phase: "before-headers" | "queued" | "thinking" | "answering" | "after-finish";
  readonly state: "running" | "finished" | "aborted" | "faulted";
  readonly tokensSent: number;
  readonly abortedAt: number | null;
  readonly body: {
    messages: { role: string; content: string }[];
    continue_final_message?: boolean;
    chat_template_kwargs: { enable_thinking: boolean };
  };
}

/** The simulator's settings that tests change (ModelSim/ModelSimOptions.cs); durations as 00:00:00.150. */
export interface ModelSettings {
  Fault?: string;
  FaultPhase?: "BeforeHeaders" | "Queued" | "Thinking" | "Answering" | "AfterFinish";
  FaultAfterTokens?: number;
  FaultTimes?: number;
  TokensPerSecond?: number;
  FirstTokenDelay?: string;
  QueueDelay?: string;
  ThinkingTokens?: number | null;
  ContextWindow?: number;
  TokensPerChunk?: number;
}

/** As fast as possible, and without faults. */
export const plainModel: ModelSettings = {
  Fault: "None",
  FaultPhase: "Answering",
  FaultAfterTokens: 0,
  FaultTimes: 0,
  TokensPerSecond: 0,
  FirstTokenDelay: "00:00:00",
  QueueDelay: "00:00:00",
  ThinkingTokens: null,
  ContextWindow: 16_384,
  TokensPerChunk: 1,
};

/** The simulator's control over HTTP. */
export class ModelControl {
  readonly #sim: Service;

  constructor(sim: Service) {
    this.#sim = sim;
  }

  async set(settings: ModelSettings): Promise<void> {
    const response = await fetch(`${this.#sim.url}/sim/settings`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(settings),
    });
    if (!response.ok) throw new Error(await response.text());
  }

  async requests(): Promise<ModelRequest[]> {
    const response = await fetch(`${this.#sim.url}/sim/requests`);
    return ((await response.json()) as { requests: ModelRequest[] }).requests;
  }

  async clear(): Promise<void> {
    await fetch(`${this.#sim.url}/sim/requests`, { method: "DELETE" });
  }
}
