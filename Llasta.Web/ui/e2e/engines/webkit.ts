import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../support/service.ts";
import { type Engine, type Key, watch } from "./engine.ts";

/** The code points of keys without a character (https://www.w3.org/TR/webdriver2/#keyboard-actions). */
const keys: Record<Key | "Control", string> = {
  Enter: "\uE007",
  Escape: "\uE00C",
  PageUp: "\uE00E",
  End: "\uE010",
  Control: "\uE009",
  v: "v",
};

export interface WebKitPaths {
  readonly driver: string;
  readonly browser: string;
  /** Where there is no display, one is started with it. */
  readonly xvfb: string | undefined;
}

/** WebKitGTK's MiniBrowser, by WebDriver. */
export async function startWebKit({ driver, browser, xvfb }: WebKitPaths): Promise<Engine> {
  const processes: ChildProcess[] = [];
  let display = process.env["DISPLAY"];
  if (!display) {
    const server = spawn(xvfb!, ["-displayfd", "3", "-screen", "0", "1600x1400x24", "-nolisten", "tcp"], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    processes.push(server);
    const [number] = (await once(server.stdio[3]!, "data")) as [Buffer];
    display = `:${number.toString().trim()}`;
  }
  const port = await freePort();
  const environment = { ...process.env, DISPLAY: display, LIBGL_ALWAYS_SOFTWARE: "1", GTK_A11Y: "none", NO_AT_BRIDGE: "1" };
  // Its sandbox needs namespaces, which root in a container doesn't have.
  const noSandbox = process.getuid?.() === 0 ? { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" } : {};
  processes.push(spawn(driver, ["-p", String(port)], { env: { ...environment, ...noSandbox }, stdio: "ignore" }));

  async function call(method: "GET" | "POST" | "DELETE", path: string, body: unknown = {}): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(method === "POST" && { body: JSON.stringify(body) }) });
    const { value } = (await response.json()) as { value: unknown };
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(value).slice(0, 500)}`);
    return value;
  }

  for (let attempt = 0; ; attempt++)
    try {
      await call("GET", "/status");
      break;
    } catch (error) {
      if (attempt === 100) throw error;
      await delay(100);
    }
  const alwaysMatch = {
    browserName: "MiniBrowser",
    "webkitgtk:browserOptions": { binary: browser, args: ["--automation"] },
    unhandledPromptBehavior: "accept",
  };
  const { sessionId } = (await call("POST", "/session", { capabilities: { alwaysMatch } })) as { sessionId: string };
  const session = (path: string, body?: unknown) => call("POST", `/session/${sessionId}${path}`, body);
  await session("/timeouts", { script: 60_000, pageLoad: 60_000 });

  /** Down and up again, a modifier around the key. */
  const strokes = (keys: string[], modifier?: string) => [
    ...(modifier ? [{ type: "keyDown", value: modifier }] : []),
    ...keys.flatMap((value) => [
      { type: "keyDown", value },
      { type: "keyUp", value },
    ]),
    ...(modifier ? [{ type: "keyUp", value: modifier }] : []),
  ];
  const stroke = (all: string[], modifier?: string) =>
    session("/actions", { actions: [{ type: "key", id: "keyboard", actions: strokes(all, modifier) }] });

  const evaluate: Engine["evaluate"] = async (run, argument) => {
    const script = `const done = arguments[1]; Promise.resolve(arguments[0]).then(${run}).then((value) => done({ value }), (error) => done({ error: String(error) }))`;
    const { value, error } = (await session("/execute/async", { script, args: [argument ?? null] })) as { value: never; error?: string };
    if (error) throw new Error(error);
    return value;
  };

  return {
    async open(url) {
      await session("/url", { url });
      await evaluate(watch);
    },
    evaluate,
    type: async (text) => {
      await stroke([...text]);
    },
    press: async (key, modifier) => {
      await stroke([keys[key]], modifier && keys[modifier]);
    },
    click: async (x, y) => {
      const actions = [
        { type: "pointerMove", x: Math.round(x), y: Math.round(y), origin: "viewport" },
        { type: "pointerDown", button: 0 },
        { type: "pointerUp", button: 0 },
      ];
      await session("/actions", { actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }] });
    },
    async resize(width, height) {
      // The window has a frame, and takes a moment to change.
      for (let attempt = 0; attempt < 20; attempt++) {
        const [innerWidth, innerHeight] = await evaluate(() => [window.innerWidth, window.innerHeight] as const);
        if (innerWidth === width && innerHeight === height) return;
        const rect = (await call("GET", `/session/${sessionId}/window/rect`)) as { width: number; height: number };
        await session("/window/rect", { width: rect.width + width - innerWidth, height: rect.height + height - innerHeight });
        await delay(100);
      }
      throw new Error(`The window doesn't become ${width} × ${height}.`);
    },
    screenshot: async (path) => {
      const image = (await call("GET", `/session/${sessionId}/screenshot`)) as string;
      await writeFile(path, Buffer.from(image, "base64"));
    },
    async close() {
      await call("DELETE", `/session/${sessionId}`).catch(() => {});
      for (const process of processes.reverse()) process.kill();
    },
  };
}
