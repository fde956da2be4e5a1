import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { type Program, Service } from "../Llasta.Web/ui/e2e/support/service.ts";
import { Link } from "./link.ts";
import { seeded } from "./random.ts";
import { type Question, read, type Reading, undisturbed } from "./readers.ts";

const turns = Number(process.env["TURNS"] ?? 200);
const seed = Number(process.env["SEED"] ?? 20260101);
const atOnce = 20;

const cleanUp: (() => unknown)[] = [];
afterAll(async () => {
  for (const step of cleanUp.reverse()) await step();
});

test(`every one of ${turns} turns completes with the uninterrupted answer while processes die and connections break`, {
  timeout: 60_000 + turns * 1000,
}, async () => {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const start = async (name: string, program: Program, settings: Record<string, string | number>): Promise<Service> => {
    const service = await Service.start(program, settings, { name, environment: "Production" });
    cleanUp.push(() => service.end());
    return service;
  };
  const link = async (name: string, to: Service): Promise<Link> => {
    const opened = await Link.open(name, () => to.port);
    cleanUp.push(() => opened.close());
    return opened;
  };

  const model = await start("model", "Llasta.ModelSim", { "Sim:TokensPerSecond": 300, "Sim:FirstTokenDelay": "00:00:00.020" });
  const toModel = await link("chatapi → model", model);
  const drain = { "Chat:DrainTimeout": "00:00:00.3" };
  const apiSettings = { OPENAI_API_BASE_URL: `${toModel.url}/v1`, ...drain };
  const apis = [await start("chatapi 0", "Llasta.ChatApi", apiSettings), await start("chatapi 1", "Llasta.ChatApi", apiSettings)];
  const toApis = [await link("chatbot → chatapi 0", apis[0]!), await link("chatbot → chatapi 1", apis[1]!)];
  const chatbot = await start("chatbot", "Llasta.Web", {
    "services:chatapi:http:0": toApis[0]!.url,
    "services:chatapi:http:1": toApis[1]!.url,
    ...drain,
  });
  const toChatbot = await link("page → chatbot", chatbot);

  const questions = Array.from(
    { length: turns },
    (_, i): Question => ({
      history: [{ role: "user", content: `Question ${i}: tell me about it in ${150 + Math.floor(random() * 300)} words.` }],
      thinking: random() < 0.3,
    }),
  );
  // Now, so that the seed's faults don't depend on when a reader begins.
  const stops = questions.map(() => (random() < 0.2 ? random() * 1000 : Infinity));
  // In a separate process, so that the faults can't reach it.
  const calm = await start("calm model", "Llasta.ModelSim", { "Sim:TokensPerSecond": 0, "Sim:FirstTokenDelay": "00:00:00" });
  const expected = await Promise.all(questions.map((question) => undisturbed(calm.url, question)));

  const readings: Reading[] = [];
  const faults = new Map<string, number>();
  const next = questions.entries();
  const reader = async (): Promise<void> => {
    for (const [i, question] of next) {
      const reading = await read(toChatbot.url, question, { hurry: 4, stopAt: stops[i]! });
      expect(reading.turn.phase, `turn ${i}`).toEqual({ kind: "ended", ending: { state: "done" } });
      expect(reading.turn.answer, `the answer of turn ${i}`).toBe(expected[i]!.answer);
      expect(reading.turn.reasoning, `the thinking of turn ${i}`).toBe(expected[i]!.reasoning);
      readings.push(reading);
    }
  };

  let reading = true;
  const havoc = (async () => {
    while (reading) {
      await delay(50 + random() * 300);
      const kill = random() < 0.4;
      const what = kill ? pick([model, ...apis, chatbot]) : pick([toModel, ...toApis, toChatbot]);
      const how = what instanceof Service ? pick(["SIGKILL", "SIGTERM", "SIGSTOP"] as const) : pick(["one", "all"] as const);
      const fault = `${what.name}: ${how}`;
      faults.set(fault, (faults.get(fault) ?? 0) + 1);
      if (what instanceof Link) {
        what.cut(() => how === "all" || random() < 0.2);
      } else if (how === "SIGSTOP") {
        await what.freeze(random() * 2000);
      } else {
        await what.end(how as "SIGKILL" | "SIGTERM");
        await what.start();
      }
    }
  })();
  const started = performance.now();
  try {
    await Promise.all(Array.from({ length: atOnce }, reader));
  } finally {
    reading = false;
    await havoc;
  }

  const sum = (of: (reading: Reading) => number): number => readings.reduce((total, one) => total + of(one), 0);
  console.log(
    [
      `${readings.length} turns in ${((performance.now() - started) / 1000).toFixed(1)} s, seed ${seed}: all complete and equal to the uninterrupted answer`,
      `${sum((one) => one.turn.answer.length)} characters; ${readings.filter((one) => one.resumed + one.waited > 0).length} turns were disturbed: ` +
        `${sum((one) => one.resumed)} cuts resumed, ${sum((one) => one.waited)} waits`,
      ...[...faults].sort().map(([fault, count]) => `  ${fault} × ${count}`),
    ].join("\n"),
  );
  expect(sum((one) => one.resumed)).toBeGreaterThan(0);
});
