import { describe, expect, test } from "vitest";
import { ChatClient } from "../../src/turn/client.ts";
import { systemClock, TurnRun, type Clock } from "../../src/turn/run.ts";
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
  test("keeps the chosen model over its continuations, also when the reader chooses another one meanwhile", async () => {
    const client = new ChatClient(
      (
        await chatServer(
          ({ request, response }) => {
            client.chosenModel = "another";
            streams([start, answer(`${request.model}, `)], "break")({ request, response, closed: Promise.resolve() });
          },
          ({ request, response }) => streams([start, answer(`${request.model}`), done])({ request, response, closed: Promise.resolve() }),
        )
      ).base,
    );
    const turn = await new TurnRun({ history, thinking: true, chosenModel: "chosen" }, { client, clock: hurried() }).ended;
    expect(turn).toMatchObject({ answer: "chosen, chosen", phase: { kind: "ended", ending: { state: "done" } } });
  });

  test("runs from the request to its end", async () => {
    const { base, calls } = await chatServer(streams([start, thinking("Hm."), answer("Hel"), ": keep-alive\n\n", answer("lo 👋"), done]));
    const turn = await new TurnRun({ history, thinking: true }, { client: new ChatClient(base) }).ended;
    expect(turn).toMatchObject({ answer: "Hello 👋", reasoning: "Hm.", phase: { kind: "ended", ending: { state: "done" } } });
    expect(calls[0]!.request).toEqual({ messages: history, thinking: true, continue: false });
  });

  test("sends halves of characters, from a model or a paste, as replacement characters", async () => {
    const { base, calls } = await chatServer(streams([start, done]));
    const messages = [
      { role: "user", content: "a\ud83d 👋 \\ud83d" },
      { role: "assistant", content: "\udc4b" },
      { role: "user", content: "Hi" },
    ] as const;
    await new TurnRun({ history: messages, thinking: true }, { client: new ChatClient(base) }).ended;
    expect(calls[0]!.request.messages.map(({ content }) => content)).toEqual(["a\ufffd 👋 \\ud83d", "\ufffd", "Hi"]);
  });

  test("continues after cuts, restarts and refusals until the answer is whole", async () => {
    const { base, calls } = await chatServer(
      streams([start, thinking("Hm."), answer("one ")]),
      streams([start, answer("two ")], "break"),
      fails(503, { code: "unreachable", detail: "loading" }),
      fails(502, "<html>bad gateway</html>"),
      fails(502, { message: "a gateway's own JSON" }),
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
      "one two ",
      "one two three ",
    ]);
    expect(calls.slice(1).every(({ request }) => request.continue)).toBe(true);
    expect(clock.pauses).toEqual([250, 500, 250, 500, 1000, 1000]);
  });

  test("waits while nothing listens, and retries at once when told to", async () => {
    const waits = when(({ phase }) => phase.kind === "paused");
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
    const waits = when(({ phase }) => phase.kind === "paused");
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
  const html = { "Content-Type": "text/html" };
  test.each([
    [
      "a problem",
      fails(400, { code: "context-overflow", detail: "too long", promptTokens: 200, contextWindow: 100 }),
      { state: "context-overflow", detail: "too long", promptTokens: 200, contextWindow: 100 },
    ],
    [
      "an error event",
      streams([start, event({ code: "model-error", detail: "engine", status: 500 }, "error")]),
      { state: "model-error", detail: "engine" },
    ],
    [
      "an end in an unknown state",
      streams([start, event({ state: "paused", detail: "why" }, "end")]),
      { state: "model-error", detail: "paused: why" },
    ],
    [
      "an end with the server's reason",
      streams([start, event({ state: "filtered", detail: "why" }, "end")]),
      { state: "filtered", detail: "why" },
    ],
    ["an unknown code", fails(500, { code: "new-one", detail: "x" }), { state: "model-error", detail: "x" }],
    ["413 without a body", fails(413, ""), { state: "too-large" }],
    ["403 without a body", fails(403, ""), { state: "forbidden-origin" }],
    ["401 of a login proxy", fails(401, "<html></html>", html), { state: "signed-out" }],
    ["a redirect to a login page", fails(302, "", { Location: "https://login.example/" }), { state: "signed-out" }],
    ["a login page with status 200", fails(200, "<html></html>", html), { state: "signed-out" }],
    ["a login page with status 403", fails(403, "<html></html>", html), { state: "signed-out" }],
    ["a portal", fails(511, "<html></html>", html), { state: "signed-out" }],
    ["a login page whose type is in capitals", fails(200, "", { "Content-Type": "Text/HTML" }), { state: "signed-out" }],
  ] as const)("%s ends the turn in the right state", async (_, serve, ending) => {
    const { base } = await chatServer(serve);
    const turn = await new TurnRun({ history, thinking: true }, { client: new ChatClient(base) }).ended;
    expect(turn.phase).toEqual({ kind: "ended", ending });
  });

  test("a page with status 403 that only the message gets is no login page but a firewall's", async () => {
    const { base } = await chatServer(fails(403, "<html></html>", html), fails(200, { state: "ready", simulated: false }));
    const turn = await new TurnRun({ history, thinking: true }, { client: new ChatClient(base) }).ended;
    expect(turn.phase).toEqual({ kind: "ended", ending: { state: "invalid-request" } });
  });

  test.each([
    ["401", fails(401, "")],
    ["a redirect", fails(303, "", { Location: "/login" })],
    ["a page", fails(200, "<html></html>", html)],
    ["a page with status 403", fails(403, "<html></html>", html)],
  ])("to the question for the model's state is signed-out for %s", async (_, serve) => {
    const { base } = await chatServer(serve);
    expect(await new ChatClient(base).model()).toEqual({ state: "signed-out", simulated: false });
  });

  test.each([
    ["7", 7000],
    ["3600", 60_000],
    ["99999999999999999999", 60_000],
    [new Date(Date.now() + 3_600_000).toUTCString(), 60_000],
    [new Date(Date.now() - 3_600_000).toUTCString(), 250],
    ["soon", 250],
    ["-5", 250],
  ])("with Retry-After %j makes the page wait %d ms, at most a minute", async (header, pause) => {
    const { base } = await chatServer(
      fails(503, { code: "busy", detail: "" }, { "Retry-After": header }),
      streams([start, answer("a"), done]),
    );
    const clock = hurried();
    await new TurnRun({ history, thinking: true }, { client: new ChatClient(base), clock, random: () => 0.5 }).ended;
    expect(clock.pauses).toEqual([pause]);
  });

  test("text that isn't JSON counts as a cut", async () => {
    const { base } = await chatServer(streams([start, answer("a"), "data: {broken\n\n"]), streams([start, answer("b"), done]));
    const turn = await new TurnRun({ history, thinking: true }, { client: new ChatClient(base), clock: hurried() }).ended;
    expect(turn.answer).toBe("ab");
  });
});

test("a pause longer than a timer can count doesn't end at once", async () => {
  let called = false;
  const cancel = systemClock.after(2 ** 40, () => (called = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  cancel();
  expect(called).toBe(false);
});
