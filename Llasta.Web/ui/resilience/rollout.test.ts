import { afterAll, expect, test } from "vitest";
import { Link } from "./link.ts";
import { type Question, read, type Reading, undisturbed } from "./readers.ts";
import { Service } from "./services.ts";

const readers = 200;

const cleanUp: (() => unknown)[] = [];
afterAll(async () => {
  for (const step of cleanUp.reverse()) await step();
});

async function keep(service: Promise<Service>): Promise<Service> {
  const started = await service;
  cleanUp.push(() => started.end("SIGKILL"));
  return started;
}

/** Chooses among those that are ready, as a Service's endpoints do: a process that drains takes no new connection. */
function readyOf(services: readonly Service[]): () => number {
  const ready = new Set(services);
  const probe = setInterval(() => {
    for (const service of services) void service.ready().then((is) => (is ? ready.add(service) : ready.delete(service)));
  }, 50);
  cleanUp.push(() => clearInterval(probe));
  let next = 0;
  return () => [...ready][next++ % ready.size]?.port ?? services[0]!.port;
}

/** Two of each, a model that speaks slowly, and as many readers. */
async function rollOut(drain: string, during: (services: readonly Service[]) => Promise<void>) {
  const model = await keep(Service.start("model", "Llasta.ModelSim", { Sim__TokensPerSecond: "30", Sim__FirstTokenDelay: "20" }));
  const settings = { Chat__DrainTimeout: drain };
  const api = (i: number) => keep(Service.start(`chatapi ${i}`, "Llasta.ChatApi", { OPENAI_API_BASE_URL: `${model.url}/v1`, ...settings }));
  const apis = [await api(0), await api(1)];
  const bot = (i: number) =>
    keep(Service.start(`chatbot ${i}`, "Llasta.Web", { services__chatapi__http__0: apis[0]!.url, services__chatapi__http__1: apis[1]!.url, ...settings }));
  const bots = [await bot(0), await bot(1)];
  const toBots = await Link.open("page → chatbot", readyOf(bots));
  cleanUp.push(() => toBots.close());

  const questions = Array.from({ length: readers }, (_, i): Question => ({
    history: [{ role: "user", content: `Question ${i}: tell me about it in 300 words.` }],
    thinking: false,
  }));
  const calm = await keep(Service.start("calm model", "Llasta.ModelSim", { Sim__TokensPerSecond: "0", Sim__FirstTokenDelay: "0" }));
  const expected = await Promise.all(questions.map((question) => undisturbed(calm.url, question)));

  const reading: Promise<Reading>[] = [];
  await Promise.all(questions.map((question) => new Promise<void>((begun) => reading.push(read(toBots.url, question, { begun })))));
  await during([...apis, ...bots]);
  const readings = await Promise.all(reading);
  for (const [i, { turn }] of readings.entries()) {
    expect(turn.phase, `turn ${i}`).toEqual({ is: "ended", ending: { state: "done" } });
    expect(turn.answer, `the answer of turn ${i}`).toBe(expected[i]!.answer);
  }
  const gaps = readings.map((one) => one.longestGap).sort((a, b) => a - b);
  const result = {
    resumed: readings.reduce((total, one) => total + one.resumed, 0),
    waited: readings.reduce((total, one) => total + one.waited, 0),
  };
  console.log(
    `${readers} readers, drain ${drain}: all complete and equal; ${result.resumed} cuts resumed, ${result.waited} waits; ` +
      `longest pause of a reader: median ${gaps[readers / 2]!.toFixed(0)} ms, longest ${gaps[readers - 1]!.toFixed(0)} ms`,
  );
  return result;
}

test("no reader of 200 loses a letter when all four processes are restarted one after the other in mid-answer", { timeout: 180_000 }, async () => {
  const { resumed } = await rollOut("00:00:01", async (services) => {
    for (const service of services) {
      expect(await service.end("SIGTERM"), `${service.name}'s exit code`).toBe(0);
      await service.start();
    }
  });
  expect(resumed).toBeGreaterThan(0);
});

test("a process that is told to stop finishes the answers that fit into its drain, and none of 200 readers is even cut", { timeout: 180_000 }, async () => {
  const { resumed, waited } = await rollOut("00:01:00", async (services) => {
    const [gone, , bot] = services;
    const codes = await Promise.all([gone!.end("SIGTERM"), bot!.end("SIGTERM")]);
    expect(codes).toEqual([0, 0]);
  });
  expect({ resumed, waited }).toEqual({ resumed: 0, waited: 0 });
});
