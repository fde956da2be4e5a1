import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { type Program, Service } from "../Llasta.Web/ui/e2e/support/service.ts";
import { Balancer } from "./balancer.ts";
import { Link } from "./link.ts";
import { type Answer, type Question, read, type Reading, undisturbed } from "./readers.ts";

const readers = 200;

const cleanUp: (() => unknown)[] = [];
afterAll(async () => {
  for (const step of cleanUp.reverse()) await step();
});

async function start(name: string, program: Program, settings: Record<string, string | number>): Promise<Service> {
  const service = await Service.start(program, settings, { name, environment: "Production" });
  cleanUp.push(() => service.end());
  return service;
}

/** One address for several processes, as a Kubernetes Service provides it. */
async function balance(name: string, services: readonly Service[]): Promise<{ readonly url: string; readonly balancer: Balancer }> {
  const balancer = new Balancer(services);
  const link = await Link.open(name, () => balancer.next()?.port);
  cleanUp.push(
    () => link.close(),
    () => balancer.close(),
  );
  return { url: link.url, balancer };
}

const model = await start("model", "Llasta.ModelSim", { "Sim:TokensPerSecond": 15, "Sim:FirstTokenDelay": "00:00:00.020" });
const calm = await start("calm model", "Llasta.ModelSim", { "Sim:TokensPerSecond": 0, "Sim:FirstTokenDelay": "00:00:00" });
const questions = Array.from(
  { length: readers },
  (_, i): Question => ({
    history: [{ role: "user", content: `Question ${i}: tell me about it in 60 words.` }],
    thinking: false,
  }),
);
const expected: readonly Answer[] = await Promise.all(questions.map((question) => undisturbed(calm.url, question)));

const chatApi = (name: string, drain: string) =>
  start(name, "Llasta.ChatApi", { OPENAI_API_BASE_URL: `${model.url}/v1`, "Chat:DrainTimeout": drain });

const chatbot = (name: string, drain: string, ...chatApis: readonly string[]) =>
  start(name, "Llasta.Web", {
    "Chat:DrainTimeout": drain,
    ...Object.fromEntries(chatApis.map((url, i) => [`services:chatapi:http:${i}`, url])),
  });

/** Lets every reader ask again and again until `during` is over, and expects every answer to be whole. */
async function readDuring(url: string, during: () => Promise<void>): Promise<{ resumed: number; waited: number }> {
  const readings: Reading[] = [];
  let over = false;
  const reader = async (i: number, begun: () => void): Promise<void> => {
    do {
      const reading = await read(url, questions[i]!, { begun });
      expect(reading.turn.phase, `turn ${i}`).toEqual({ kind: "ended", ending: { state: "done" } });
      expect(reading.turn.answer, `the answer of turn ${i}`).toBe(expected[i]!.answer);
      readings.push(reading);
    } while (!over);
  };
  const all: Promise<void>[] = [];
  const begun = questions.map((_, i) => new Promise<void>((begun) => all.push(reader(i, begun))));
  // A reader that fails before its first word ends the wait.
  await Promise.race([Promise.all(begun), Promise.all(all)]);
  try {
    await during();
  } finally {
    over = true;
  }
  await Promise.all(all);
  const sum = (of: (reading: Reading) => number): number => readings.reduce((total, one) => total + of(one), 0);
  const result = { resumed: sum((one) => one.resumed), waited: sum((one) => one.waited) };
  const gaps = readings.map((one) => one.longestGap).sort((a, b) => a - b);
  console.log(
    `${readers} readers, ${readings.length} answers, all complete and equal; ${result.resumed} cuts resumed, ${result.waited} waits; ` +
      `longest pause within an answer: median ${gaps[gaps.length >> 1]!.toFixed(0)} ms, longest ${gaps.at(-1)!.toFixed(0)} ms`,
  );
  return result;
}

test("no reader of 200 notices that all four processes are replaced with the drain of the manifests", { timeout: 180_000 }, async () => {
  const drain = "00:00:30";
  const apis = await Promise.all([chatApi("chatapi 0", drain), chatApi("chatapi 1", drain)]);
  const toApis = await balance("chatbot → chatapi", apis);
  const bots = await Promise.all([chatbot("chatbot 0", drain, toApis.url), chatbot("chatbot 1", drain, toApis.url)]);
  const toBots = await balance("page → chatbot", bots);

  const replace = async (service: Service, { balancer }: { readonly balancer: Balancer }) => {
    balancer.leave(service);
    // The preStop hook of the manifests.
    await delay(5000);
    expect(await service.end("SIGTERM"), `${service.name}'s exit code`).toBe(0);
    await service.start();
    balancer.join(service);
  };
  const noticed = await readDuring(toBots.url, async () => {
    for (const i of [0, 1]) await Promise.all([replace(apis[i]!, toApis), replace(bots[i]!, toBots)]);
  });
  expect(noticed).toEqual({ resumed: 0, waited: 0 });
});

test("no reader of 200 loses a letter when all four processes are restarted in mid-answer, without a warning or a drain", {
  timeout: 180_000,
}, async () => {
  const drain = "00:00:00.3";
  const apis = await Promise.all([chatApi("chatapi 0", drain), chatApi("chatapi 1", drain)]);
  const urls = apis.map(({ url }) => url);
  const bots = await Promise.all([chatbot("chatbot 0", drain, ...urls), chatbot("chatbot 1", drain, ...urls)]);
  const toBots = await balance("page → chatbot", bots);

  const { resumed } = await readDuring(toBots.url, async () => {
    for (const service of [...apis, ...bots]) {
      expect(await service.end("SIGTERM"), `${service.name}'s exit code`).toBe(0);
      await service.start();
    }
  });
  expect(resumed).toBeGreaterThan(0);
});
