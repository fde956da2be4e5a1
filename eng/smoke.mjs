// Starts llasta as a person does, with the simulator as the model, asks for the page and sends a question. Prints how long the start took.
//
//   node eng/smoke.mjs COMMAND [ARGUMENT...]
import { spawn } from "node:child_process";
import { argv, env, exit, kill, platform } from "node:process";
import { createInterface } from "node:readline";

/** Variables that would configure the program. */
const configuring = /^(DOTNET_ENVIRONMENT|DOTNET_RUNNING_IN_CONTAINER|ASPNETCORE_.*|OPENAI_.*)$/i;
const timeLimit = 120_000;

const [command, ...given] = argv.slice(2);
const begin = performance.now();
const child = spawn(command, [...given, "--model", "simulator", "--port", "0"], {
  // A group of its own: `dotnet tool exec` starts the program as another process.
  detached: platform !== "win32",
  env: Object.fromEntries(Object.entries(env).filter(([name]) => !configuring.test(name))),
  stdio: ["ignore", "pipe", "inherit"],
});
const watchdog = setTimeout(() => fail(`Not finished after ${timeLimit / 1000} s.`), timeLimit);
child.once("error", (error) => fail(error.message));
child.once("exit", (code) => fail(`The program ended with ${code}.`));

const address = await addressOf(child.stdout);
const page = await get("/");
const started = performance.now() - begin;
check(page.includes("<script"), "The page has a script.");
await get(page.match(/<script[^>]+src="\.?([^"]+)"/)[1]);
check(JSON.parse(await get("/api/model")).simulated === true, "The simulator is marked as one.");
const answer = await get("/api/chat", { messages: [{ role: "user", content: "Hello" }], thinking: false });
check(/^event: end\ndata: {.*"state":"done"/m.test(answer), `The answer is complete: ${answer}`);
console.log(`The page and a chat work; the page was there ${Math.round(started)} ms after the start.`);
end(0);

async function addressOf(output) {
  for await (const line of createInterface(output)) {
    const match = line.match(/The page is at (http:\S+)/);
    if (match) return match[1];
  }
  return fail("The program wrote no address.");
}

async function get(path, body) {
  const response = await fetch(new URL(path, address), body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  check(response.ok, `${path} answers ${response.status}.`);
  return await response.text();
}

function check(holds, sentence) {
  if (!holds) fail(`Not so: ${sentence}`);
}

function fail(sentence) {
  console.error(sentence);
  end(1);
}

function end(code) {
  clearTimeout(watchdog);
  child.removeAllListeners("exit");
  try {
    if (platform === "win32") spawn("taskkill", ["/pid", `${child.pid}`, "/t", "/f"], { stdio: "ignore" });
    else kill(-child.pid, "SIGTERM");
  } catch {
    // It has ended already.
  }
  exit(code);
}
