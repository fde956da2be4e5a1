import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChatClient, type Delivery } from "../../src/turn/client.ts";
import { type Clock, TurnRun } from "../../src/turn/run.ts";
import { done, event, start } from "../chatServer.ts";

const stream = (...events: string[]): Response => new Response(events.join(""), { headers: { "Content-Type": "text/event-stream" } });

/** A body that begins with `text` and never ends, until its request is closed. */
const endless = (text: string, init: ResponseInit, { signal }: RequestInit): Response =>
  new Response(
    new ReadableStream({
      start(body) {
        body.enqueue(new TextEncoder().encode(text));
        signal?.addEventListener("abort", () => body.error(signal.reason));
      },
    }),
    init,
  );

/** A tunnel that accepts a request and is silent until the request is closed. */
const silence = ({ signal }: RequestInit): Promise<Response> =>
  new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

/** Answers each request as the next of `answers` says; the last one answers all others. */
function server(...answers: ((init: RequestInit) => Response | Promise<Response>)[]): {
  readonly client: ChatClient;
  readonly requests: RequestInit[];
} {
  const requests: RequestInit[] = [];
  const client = new ChatClient("", async (_, init = {}) => {
    requests.push(init);
    return (answers[requests.length - 1] ?? answers.at(-1)!)(init);
  });
  return { client, requests };
}

async function ask(client: ChatClient, content = "Hi"): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  const request = { messages: [{ role: "user", content }], thinking: false, continue: false } as const;
  for await (const batch of client.chat(request, new AbortController().signal)) deliveries.push(...batch);
  return deliveries;
}

/** How long a promise takes, in seconds of the clock, which runs until then. */
async function secondsOf(promise: Promise<unknown>): Promise<number> {
  const since = performance.now();
  let settledAt = Number.POSITIVE_INFINITY;
  const settle = () => (settledAt = performance.now());
  promise.then(settle, settle);
  while (settledAt > performance.now() && performance.now() < since + 3_600_000) await vi.advanceTimersByTimeAsync(1000);
  return Math.floor((settledAt - since) / 1000);
}

const lost = { kind: "failed", problem: { code: "unreachable", detail: "" } };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** When a connection breaks while its request is closed, Node's fetch may settle nothing any more. */
test.each([
  ["the response", () => new Promise<Response>(() => {})],
  ["a piece of the answer", () => new Response(new ReadableStream(), { headers: { "Content-Type": "text/event-stream" } })],
  ["the body of an error", () => new Response(new ReadableStream(), { status: 502, headers: { "Content-Type": "application/json" } })],
])("a turn that is stopped ends, even if the request for %s never does", async (_, answer) => {
  const { client } = server(answer);
  const clock: Clock = { now: () => performance.now(), after: () => () => {} };
  const run = new TurnRun({ history: [{ role: "user", content: "Hi" }], thinking: false }, { client, clock, onChange: () => {} });
  await vi.advanceTimersByTimeAsync(100);

  run.stop();

  expect(await secondsOf(run.ended)).toBe(0);
  expect(run.turn.phase).toEqual({ kind: "ended", ending: { state: "stopped" } });
});

describe("a connection that is silent", () => {
  test("before the response is taken for lost after a minute", async () => {
    const { client, requests } = server(silence);
    const deliveries = ask(client);
    expect(await secondsOf(deliveries)).toBe(60);
    expect(await deliveries).toEqual([lost]);
    expect(requests[0]!.signal!.aborted).toBe(true);
  });

  test("is given the time that the upload of a long message takes", async () => {
    const { client } = server(silence);
    expect(await secondsOf(ask(client, "é".repeat(400_000)))).toBe(60 + 100);
  });

  test("is given more time with each request if others are answered: a proxy may hold back the whole answer", async () => {
    const late = () => new Promise<Response>((resolve) => setTimeout(resolve, 100_000, stream(start, event("Hello"), done)));
    const turns = [silence, silence, late, silence, () => stream(start, done), silence];
    const client = new ChatClient("", async (_, init = {}) =>
      init.method === "POST" ? turns.shift()!(init) : new Response('{"state":"ready","simulated":false}'),
    );
    const others = setInterval(() => void client.model(), 15_000);
    const seconds: number[] = [];
    for (let i = 0; i < 6; i++) seconds.push(await secondsOf(ask(client)));
    clearInterval(others);
    expect(seconds).toEqual([60, 120, 100, 240, 0, 60]);
  });

  test("is given no more time if nothing is answered: a dead tunnel is soon tried again", async () => {
    const { client } = server(silence);
    expect([await secondsOf(ask(client)), await secondsOf(ask(client)), await secondsOf(ask(client))]).toEqual([60, 60, 60]);
  });

  test("in the body of an error is that error, if its status says enough", async () => {
    const { client } = server((init) => endless('{"code":', { status: 413 }, init));
    const deliveries = ask(client);
    expect(await secondsOf(deliveries)).toBe(60);
    expect(await deliveries).toEqual([{ kind: "failed", problem: { code: "too-large", detail: "" } }]);
  });

  test("in the body of an error is taken for lost, if its status doesn't say enough", async () => {
    for (const status of [400, 500, 503]) {
      const { client } = server((init) => endless('{"code":', { status, headers: { "Retry-After": "7" } }, init));
      const deliveries = ask(client);
      expect(await secondsOf(deliveries)).toBe(60);
      expect(await deliveries).toEqual([{ kind: "failed", problem: { ...lost.problem, retryAfterSeconds: 7 } }]);
    }
  });

  test("in an answer is a cut", async () => {
    const stalls = (init: RequestInit) => endless(start + event("Hel"), { headers: { "Content-Type": "text/event-stream" } }, init);
    const { client } = server(stalls);
    const deliveries = ask(client);
    expect(await secondsOf(deliveries)).toBe(60);
    expect((await deliveries).at(-1)).toEqual({ kind: "cut" });
  });

  test.each([
    ["before", silence],
    ["in", (init: RequestInit) => endless("{", {}, init)],
  ])("%s the model's state makes it unreachable", async (_, answer) => {
    const { client } = server(answer);
    const status = client.model();
    expect(await secondsOf(status)).toBe(60);
    expect(await status).toEqual({ state: "unreachable", simulated: false });
  });

  test.each([
    ["before", silence],
    ["in", (init: RequestInit) => endless("{", {}, init)],
  ])("%s the count of tokens ends it", async (_, answer) => {
    const { client, requests } = server(answer);
    const count = client.tokens([{ role: "user", content: "Hi" }], false);
    expect(await secondsOf(count)).toBe(60);
    await expect(count).rejects.toThrow();
    expect(requests[0]!.signal!.aborted).toBe(true);
  });

  test("loses nothing of an answer: it is continued", async () => {
    const { client, requests } = server(
      (init) => endless(start + event("Hel"), { headers: { "Content-Type": "text/event-stream" } }, init),
      silence,
      () => stream(start, event("lo"), done),
    );
    const { ended } = new TurnRun({ history: [{ role: "user", content: "Hi" }], thinking: false }, { client });
    await secondsOf(ended);
    expect(await ended).toMatchObject({ answer: "Hello", phase: { ending: { state: "done" } } });
    expect(requests).toHaveLength(3);
  });
});

describe("Try now", () => {
  const clock: Clock = { now: () => performance.now(), after: () => () => {} };

  test("takes the place of a request that nothing comes of", async () => {
    const { client, requests } = server(silence, () => stream(start, event("Hello"), done));
    const run = new TurnRun({ history: [{ role: "user", content: "Hi" }], thinking: false }, { client, clock });
    await vi.advanceTimersByTimeAsync(1000);
    run.tryNow();
    await secondsOf(run.ended);
    expect(run.turn).toMatchObject({ answer: "Hello", phase: { ending: { state: "done" } } });
    expect(requests[0]!.signal!.aborted).toBe(true);
    expect(requests).toHaveLength(2);
  });

  test("ends a pause", async () => {
    const { client } = server(
      () => Promise.reject(new TypeError("refused")),
      () => stream(start, event("Hello"), done),
    );
    const run = new TurnRun({ history: [{ role: "user", content: "Hi" }], thinking: false }, { client, clock });
    await vi.advanceTimersByTimeAsync(1000);
    run.tryNow();
    await secondsOf(run.ended);
    expect(run.turn.answer).toBe("Hello");
  });
});
