import { describe, expect, test } from "vitest";
import { ChatClient } from "../../src/turn/client.ts";
import { TurnRun, type Clock } from "../../src/turn/run.ts";
import type { Turn } from "../../src/turn/turn.ts";
import { chatServer, done, event, fails, start, streams } from "../chatServer.ts";

/** A clock whose pauses take no time, but are recorded. */
function hurried(): Clock & { pauses: number[] } {
  const pauses: number[] = [];
  return {
    pauses,
    now: () => 0,
    after(ms, call) {
      pauses.push(ms);
      const timer = setImmediate(call);
      return () => clearImmediate(timer);
    },
  };
}

/** A clock whose pauses never end. */
const patient: Clock = { now: () => 0, after: () => () => {} };

const history = [{ role: "user", content: "Hi" }] as const;
const answer = (text: string) => event(text);
const thinking = (text: string) => event(text, "reasoning");

/** Resolves when a running turn meets a condition. */
function when(wanted: (turn: Turn) => boolean): { onChange: (turn: Turn) => void; reached: Promise<void> } {
  let resolve = () => {};
  const reached = new Promise<void>((done) => (resolve = done));
  return { onChange: (turn) => wanted(turn) && resolve(), reached };
}

describe("a turn over HTTP", () => {
  test("runs from the request to its end", async () => {
    const { base, calls } = await chatServer(streams([start, thinking("Hm."), answer("Hel"), ": keep-alive\n\n", answer("lo 👋"), done]));
    const turn = await new TurnRun({ history, thinking: true }, { client: new ChatClient(base) }).ended;
    expect(turn).toMatchObject({ answer: "Hello 👋", reasoning: "Hm.", phase: { kind: "ended", ending: { state: "done" } } });
    expect(calls[0]!.request).toEqual({ messages: history, thinking: true, continue: false });
  });

  test("continues after cuts, restarts and refusals until the answer is whole", async () => {
    const { base, calls } = await chatServer(
      streams([start, thinking("Hm."), answer("one ")]),
      streams([start, answer("two ")], "break"),
      fails(503, { code: "unreachable", detail: "loading" }),
      fails(502, "<html>bad gateway</html>"),
      streams([start, answer("three "), event({ state: "truncated" }, "end")]),
      streams([start, answer("four"), done]),
    );
    const clock = hurried();
    const turn = await new TurnRun({ history, thinking: true }, { client: new ChatClient(base), clock, random: () => 0.5 }).ended;
    expect(turn).toMatchObject({ answer: "one two three four", phase: { ending: { state: "done" } } });
    expect(calls.map(({ request }) => request.messages.at(-1)!.content)).toEqual([
      "Hi",
      "one ",
      "one two ",
      "one two ",
      "one two ",
      "one two three ",
    ]);
    expect(calls.slice(1).every(({ request }) => request.continue)).toBe(true);
    expect(clock.pauses).toEqual([250, 250, 500, 1000, 250]);
  });

  test("waits for as long as Retry-After says", async () => {
    const { base } = await chatServer(
      fails(503, { code: "busy", detail: "" }, { "Retry-After": "7" }),
      streams([start, answer("a"), done]),
    );
    const clock = hurried();
    expect((await new TurnRun({ history, thinking: true }, { client: new ChatClient(base), clock }).ended).answer).toBe("a");
    expect(clock.pauses).toEqual([7000]);
  });

  test("waits while nothing listens, and retries at once when told to", async () => {
    const waits = when(({ phase }) => phase.kind === "waiting");
    const { base } = await chatServer(streams([start, answer("a"), done]));
    let broken = true;
    const client = new ChatClient(base, (input, init) => (broken ? Promise.reject(new TypeError("refused")) : fetch(input, init)));
    const run = new TurnRun({ history, thinking: true }, { client, clock: patient, onChange: waits.onChange });
    await waits.reached;
    broken = false;
    run.retryNow();
    expect((await run.ended).answer).toBe("a");
  });

  test.each([
    ["before anything came", () => {}, () => true],
    ["while thinking", streams([start, thinking("Hm")], "stay"), (turn: Turn) => turn.phase.kind === "thinking"],
    ["while answering", streams([start, answer("a")], "stay"), (turn: Turn) => turn.phase.kind === "answering"],
  ])("closes the request when it is stopped %s", async (_, serve, wanted) => {
    const asked = when(wanted);
    const { base, calls } = await chatServer((call) => {
      serve(call);
      if (serve.length === 0) asked.onChange(undefined as never);
    });
    const run = new TurnRun({ history, thinking: true }, { client: new ChatClient(base), onChange: asked.onChange });
    await asked.reached;
    run.stop();
    expect((await run.ended).phase).toEqual({ kind: "ended", ending: { state: "stopped" } });
    await calls[0]!.closed;
    expect(calls).toHaveLength(1);
  });

  test("stops in a pause", async () => {
    const waits = when(({ phase }) => phase.kind === "waiting");
    const { base } = await chatServer(fails(503, { code: "busy", detail: "" }));
    const run = new TurnRun({ history, thinking: true }, { client: new ChatClient(base), clock: patient, onChange: waits.onChange });
    await waits.reached;
    run.stop();
    expect((await run.ended).phase).toEqual({ kind: "ended", ending: { state: "stopped" } });
  });

  test("skips the thinking when the answer is wanted now", async () => {
    const thinks = when(({ phase }) => phase.kind === "thinking");
    const { base, calls } = await chatServer(streams([start, thinking("Hm")], "stay"), streams([start, answer("a"), done]));
    const run = new TurnRun({ history, thinking: true }, { client: new ChatClient(base), onChange: thinks.onChange });
    await thinks.reached;
    run.answerNow();
    expect(await run.ended).toMatchObject({ answer: "a", reasoning: "Hm", reasoningSkipped: true });
    expect(calls[1]!.request).toEqual({ messages: history, thinking: false, continue: false });
    await calls[0]!.closed;
  });
});

describe("a server's answer", () => {
  test.each([
    [
      "a problem",
      fails(400, { code: "context-overflow", detail: "too long", promptTokens: 200, contextWindow: 100 }),
      { code: "context-overflow", detail: "too long", promptTokens: 200, contextWindow: 100 },
    ],
    [
      "an error event",
      streams([start, event({ code: "model-error", detail: "engine", status: 500 }, "error")]),
      { code: "model-error", detail: "engine" },
    ],
    ["a page of HTML with status 200", fails(200, "<html></html>", { "Content-Type": "text/html" }), { code: "model-error" }],
    ["an unknown code", fails(500, { code: "new-one", detail: "x" }), { code: "model-error", detail: "x" }],
    ["413 without a body", fails(413, ""), { code: "too-large" }],
    ["403 without a body", fails(403, ""), { code: "forbidden-origin" }],
  ] as const)("%s ends the turn with the right code", async (_, serve, problem) => {
    const { base } = await chatServer(serve);
    const turn = await new TurnRun({ history, thinking: true }, { client: new ChatClient(base) }).ended;
    expect(turn.phase).toMatchObject({ kind: "ended", ending: { state: "failed", problem } });
  });

  test("text that isn't JSON counts as a cut", async () => {
    const { base } = await chatServer(streams([start, answer("a"), "data: {broken\n\n"]), streams([start, answer("b"), done]));
    const turn = await new TurnRun({ history, thinking: true }, { client: new ChatClient(base), clock: hurried() }).ended;
    expect(turn.answer).toBe("ab");
  });
});
