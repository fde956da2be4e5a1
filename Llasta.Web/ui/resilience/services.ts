import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const artifacts = fileURLToPath(new URL("../../../artifacts/", import.meta.url));

/** `bin/release`, `bin/debug` or `publish/release`: which build is tested; without the variable the first that is there. */
const builds = process.env["SERVICES"] ? [process.env["SERVICES"]] : ["bin/release", "bin/debug", "publish/release"];

function executable(project: string): string {
  for (const build of builds) {
    const [kind, configuration] = build.split("/");
    const path = `${artifacts}${kind}/${project}/${configuration}/${project}`;
    if (existsSync(path)) return path;
  }
  throw new Error(`${project} is not built: run dotnet build first.`);
}

/** Ports stay the same over restarts, as a Service's address does. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" ? address!.port : 0;
}

/** One of the chatbot's processes, which can be killed and started again. */
export class Service {
  readonly name: string;
  readonly port: number;
  readonly #project: string;
  readonly #settings: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;

  private constructor(name: string, project: string, port: number, settings: Readonly<Record<string, string>>) {
    this.name = name;
    this.port = port;
    this.#project = project;
    this.#settings = settings;
  }

  static async start(name: string, project: string, settings: Readonly<Record<string, string>>): Promise<Service> {
    const service = new Service(name, project, await freePort(), settings);
    await service.start();
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the process and waits until it takes work. */
  async start(): Promise<void> {
    const child = spawn(executable(this.#project), ["--urls", this.url], {
      env: { ...process.env, Logging__LogLevel__Default: "Warning", ASPNETCORE_ENVIRONMENT: "Production", ...this.#settings },
      stdio: ["ignore", "ignore", "inherit"],
    });
    this.#process = child;
    while (!(await this.ready())) {
      if (child.exitCode !== null) throw new Error(`${this.name} ended with ${child.exitCode} instead of starting.`);
      await delay(10);
    }
  }

  /** Readiness, as a probe asks for it. */
  async ready(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/health`, { headers: { Connection: "close" } });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  /** Ends the process: at once, or as an orchestrator does. Resolves with the exit code when it is gone. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
    return child.exitCode;
  }
}
