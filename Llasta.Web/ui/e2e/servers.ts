import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");

export type Program = "Llasta.Web" | "Llasta.ChatApi" | "Llasta.ModelSim";

/** What the build made of a program: the Release build, else the Debug build. */
function assembly(program: Program): string {
  const built = ["release", "debug"].map((configuration) => join(root, "artifacts/bin", program, configuration, `${program}.dll`));
  const found = built.find(existsSync);
  if (!found) throw new Error(`${program} isn't built: dotnet build -c Release`);
  return found;
}

/** One of our programs in a process of its own, on a port of its own. */
export class Server {
  readonly #program: Program;
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;
  /** Where it listens, without a slash at the end; the same after a restart. */
  url = "http://127.0.0.1:0";

  private constructor(program: Program, settings: Record<string, string | number>) {
    this.#program = program;
    this.#settings = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  }

  /** @param settings in the configuration's names, like `Chat:MaxMessages`. */
  static async start(program: Program, settings: Record<string, string | number> = {}): Promise<Server> {
    const server = new Server(program, settings);
    await server.start();
    return server;
  }

  /** One that could be started later at the address it has already: until then connections are refused. */
  static async startLater(program: Program, settings: Record<string, string | number> = {}): Promise<Server> {
    const server = await Server.start(program, settings);
    await server.kill();
    return server;
  }

  async start(): Promise<void> {
    const process_ = spawn("dotnet", [assembly(this.#program), `--urls=${this.url}`, "--environment=Development", ...this.#settings], {
      cwd: join(root, this.#program),
      env: { ...ownEnvironment(), ASPNETCORE_ENVIRONMENT: "Development", DOTNET_gcServer: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = process_;
    process.once("exit", () => process_.kill("SIGKILL"));
    let said = "";
    this.url = await new Promise<string>((resolve, reject) => {
      const listen = (chunk: Buffer) => {
        said += chunk.toString();
        const address = /(?:listening on:|Simulating \S+ at) (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
        if (address) resolve(address);
      };
      process_.stdout.on("data", listen);
      process_.stderr.on("data", listen);
      process_.once("exit", (code) => reject(new Error(`${this.#program} ended with ${code}:\n${said}`)));
    });
  }

  /** Ends it as a lost node does: at once, without a word to anyone. */
  async kill(): Promise<void> {
    const process_ = this.#process;
    this.#process = undefined;
    if (!process_ || process_.exitCode !== null || process_.signalCode !== null) return;
    const gone = once(process_, "exit");
    process_.kill("SIGKILL");
    await gone;
  }
}

/** The environment without what would configure our programs. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(OPENAI_|OTEL_|ASPNETCORE_|Chat__|Sim__|services__)/i.test(name)));
}

/** What `/sim/requests` tells of a request (ModelSim/Control/RequestRecord.cs). */
export interface ModelRequest {
  readonly phase: "before-headers" | "queued" | "thinking" | "answering" | "after-finish";
  readonly state: "running" | "finished" | "aborted" | "faulted";
  readonly tokensSent: number;
  readonly abortedAt: number | null;
  readonly body: { messages: { role: string; content: string }[]; continue_final_message?: boolean; chat_template_kwargs: { enable_thinking: boolean } };
}

/** The simulator's settings that tests change (ModelSim/ModelSimOptions.cs); durations in milliseconds. */
export interface ModelSettings {
  Fault?: string;
  FaultPhase?: "BeforeHeaders" | "Queued" | "Thinking" | "Answering" | "AfterFinish";
  FaultAfterTokens?: number;
  FaultTimes?: number;
  TokensPerSecond?: number;
  FirstTokenDelay?: number;
  QueueDelay?: number;
  ThinkingTokens?: number | null;
  ContextWindow?: number;
  TokensPerChunk?: number;
}

/** As fast as it can be, and nothing wrong. */
export const plainModel: ModelSettings = {
  Fault: "None", FaultPhase: "Answering", FaultAfterTokens: 0, FaultTimes: 0,
  TokensPerSecond: 0, FirstTokenDelay: 0, QueueDelay: 0, ThinkingTokens: null, ContextWindow: 16_384, TokensPerChunk: 1,
};

/** The simulator's control, over its own wire. */
export class ModelControl {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  async set(settings: ModelSettings): Promise<void> {
    const response = await fetch(`${this.#server.url}/sim/settings`, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(settings) });
    if (!response.ok) throw new Error(await response.text());
  }

  async requests(): Promise<ModelRequest[]> {
    const response = await fetch(`${this.#server.url}/sim/requests`);
    return ((await response.json()) as { requests: ModelRequest[] }).requests;
  }

  async clear(): Promise<void> {
    await fetch(`${this.#server.url}/sim/requests`, { method: "DELETE" });
  }
}
