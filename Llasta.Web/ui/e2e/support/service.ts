import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Processes that are ended when this one exits, also after a failed test. */
const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

const root = join(import.meta.dirname, "../../../..");

export type Program = "Llasta.Web" | "Llasta.ChatApi" | "Llasta.ModelSim";

export interface ServiceOptions {
  /** A name for messages; by default the program's. */
  readonly name?: string;
  readonly environment?: "Development" | "Production";
}

/** One of our programs in a separate process, which can be killed and started again. */
export class Service {
  readonly name: string;
  /** Stays the same over restarts, as the port of a Kubernetes Service does. */
  readonly port: number;
  readonly #program: Program;
  readonly #arguments: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(
    program: Program,
    port: number,
    settings: Readonly<Record<string, string | number>>,
    { name = program, environment = "Development" }: ServiceOptions,
  ) {
    this.name = name;
    this.port = port;
    this.#program = program;
    this.#arguments = [
      `--urls=${this.url}`,
      `--environment=${environment}`,
      ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
    ];
  }

  /** @param settings in the configuration's names, like `Chat:MaxMessages`. */
  static async start(
    program: Program,
    settings: Readonly<Record<string, string | number>> = {},
    options: ServiceOptions = {},
  ): Promise<Service> {
    const service = await Service.startLater(program, settings, options);
    await service.start();
    return service;
  }

  /** A service whose address is known and that refuses connections until it is started. */
  static async startLater(
    program: Program,
    settings: Readonly<Record<string, string | number>> = {},
    options: ServiceOptions = {},
  ): Promise<Service> {
    return new Service(program, await freePort(), settings, options);
  }

  /** Where it listens, without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the process and waits until it is ready. */
  async start(): Promise<void> {
    const [command, ...beginning] = commandOf(this.#program);
    const child = spawn(command, [...beginning, ...this.#arguments], {
      cwd: join(root, this.#program),
      // Nobody edits the settings of a test: its processes needn't watch files, of which a machine allows only so many.
      env: { ...ownEnvironment(), Logging__LogLevel__Default: "Warning", DOTNET_hostBuilder__reloadConfigOnChange: "false" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
    while (!(await this.ready())) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${this.name} ended with ${child.exitCode ?? child.signalCode} instead of starting:\n${said}`);
      await delay(10);
    }
  }

  /** Readiness, as a probe sees it. */
  async ready(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/health`, { headers: { Connection: "close" } });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  /** Stops the process without ending it, as a node without memory does, and lets it go on after a time. */
  async freeze(ms: number): Promise<void> {
    this.#process?.kill("SIGSTOP");
    await delay(ms);
    this.#process?.kill("SIGCONT");
  }

  /** Ends the process, like a lost node or like an orchestrator. Resolves with the exit code when the process is gone. */
  async end(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<number | null> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
    return child.exitCode;
  }
}

/** Runs a program's Release build, otherwise its Debug build; with PUBLISHED=1, what `dotnet publish` has made of it, if anything. */
function commandOf(program: Program): readonly [string, ...string[]] {
  const name = program === "Llasta.Web" ? "llasta" : program;
  const published = join(root, "artifacts/publish", program, "release", name);
  if (process.env["PUBLISHED"] && existsSync(published)) return [published];
  const built = ["release", "debug"].map((configuration) => join(root, "artifacts/bin", program, configuration, `${name}.dll`));
  const found = built.find(existsSync);
  if (!found) throw new Error(`${program} isn't built: dotnet build -c Release`);
  return ["dotnet", found];
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" ? address!.port : 0;
}

/** The environment without variables that would configure our programs. */
const ownEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(OPENAI_|OTEL_|ASPNETCORE_|DOTNET_ENVIRONMENT|Chat__|Sim__|services__)/i.test(name)),
  );
