import type { Page } from "@playwright/test";
import { Chat, expect, test } from "./support/test.ts";
import type { Program, Service } from "./support/service.ts";
import { ModelControl, plainModel, type ModelSettings } from "./support/modelControl.ts";

const question = "Write 600 words and compare them in a table";

/** The uninterrupted answer to the question, as text and as drawn. */
async function uninterrupted(chat: Chat): Promise<{ text: string; drawn: string }> {
  await chat.ask(question);
  const whole = { text: await chat.lastAnswerText(), drawn: await chat.answer.innerText() };
  await chat.button(chat.words.reset).click();
  await expect(chat.exchanges).toHaveCount(0);
  return whole;
}

async function expectUnbroken(chat: Chat, whole: { text: string; drawn: string }): Promise<void> {
  await chat.ended();
  expect(await chat.lastAnswerText()).toBe(whole.text);
  expect(await chat.answer.innerText()).toBe(whole.drawn);
  await expect(chat.note).toBeHidden();
  await expect(chat.questions).toHaveCount(1);
}

for (const fault of ["Cut", "End", "Abort", "TruncatedJson", "EngineDeath"])
  test(`a stream that breaks in mid-answer (${fault}) is continued automatically to the same answer`, async ({ chat, model }) => {
    const whole = await uninterrupted(chat);
    await model.clear();
    await model.set({ Fault: fault, FaultAfterTokens: 120, FaultTimes: 3 });
    await chat.say(question);
    await expectUnbroken(chat, whole);
    // The figures are those of the whole answer, as the server counts it.
    await expect(chat.last.locator(".figures")).toHaveText(/^[\d,]{3,} tokens · [\d.,]+ tokens\/s · [\d.]+ m?s to the first token$/);
    const requests = await model.requests();
    expect(requests.map(({ body }) => body.continue_final_message === true)).toEqual([false, true, true, true]);
  });

test("a broken stream is continued with a quiet note", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  const first = await model.turn();
  first.say("One, two, ");
  await expect(chat.answer).toHaveText("One, two,");
  first.cut();
  await chat.expectNote(chat.words.resuming, chat.words.tryNow);
  await expect(chat.note).toHaveClass(/quiet/);
  await expect(chat.stop).toBeVisible();
  const second = await model.turn();
  expect(second.messages.at(-1)).toEqual({ role: "assistant", content: "One, two, " });
  second.say("three.").end();
  await chat.ended();
  await expect(chat.answer).toHaveText("One, two, three.");
  await expect(chat.note).toBeHidden();
});

test("a stream that breaks in mid-thought is continued inside the thought", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  const first = await model.turn();
  first.think("Let me see");
  await expect(chat.thought).toHaveText("Let me see");
  first.cut();
  const second = await model.turn();
  expect(second.messages.at(-1)).toEqual({ role: "assistant", content: "<think>\nLet me see" });
  second.think(", once more.").say("Hi!").end();
  await chat.ended();
  await chat.thinking.locator("summary").click();
  await expect(chat.thought).toHaveText("Let me see, once more.");
  await expect(chat.answer).toHaveText("Hi!");
});

test.describe("the parts as separate processes", () => {
  const slowly: ModelSettings = { TokensPerSecond: 400 };

  async function split(
    start: (program: Program, settings?: Record<string, string | number>) => Promise<Service>,
    simSettings: Record<string, string> = {},
  ) {
    const sim = await start("Llasta.ModelSim", { "Sim:TokensPerSecond": 0, "Sim:FirstTokenDelay": "00:00:00", ...simSettings });
    const chatapi = await start("Llasta.ChatApi", { OPENAI_API_BASE_URL: `${sim.url}/v1` });
    const chatbot = await start("Llasta.Web", { "services:chatapi:http:0": chatapi.url });
    return { sim, chatapi, chatbot, model: new ModelControl(sim) };
  }

  /** Opens the page, notes the uninterrupted answer, and asks again, slowly. Resolves in the middle of the answer. */
  async function askUntilMidAnswer(page: Page, { chatbot, model }: { chatbot: Service; model: ModelControl }) {
    const chat = new Chat(page);
    await chat.open(chatbot.url);
    const whole = await uninterrupted(chat);
    await model.set(slowly);
    await chat.say(question);
    await expect.poll(async () => (await chat.answer.innerText()).length).toBeGreaterThan(400);
    return { chat, whole };
  }

  for (const victim of ["sim", "chatapi", "chatbot"] as const)
    test(`${victim} is killed in mid-answer and restarted: the reader sees one unbroken answer`, async ({ page, start }) => {
      const parts = await split(start);
      const { chat, whole } = await askUntilMidAnswer(page, parts);
      await parts[victim].end();
      await expect(chat.note.locator("p")).toHaveText(new RegExp(`${chat.words.resuming}|${chat.words.waitingToContinue}`));
      const kept = await chat.answer.innerText();
      expect(kept.length).toBeGreaterThan(400);
      await parts[victim].start();
      await parts.model.set(plainModel);
      await expectUnbroken(chat, whole);
      expect(whole.drawn.startsWith(kept.slice(0, 400))).toBe(true);
    });

  // What vLLM does on SIGTERM depends on its front end and on --shutdown-timeout.
  for (const [how, settings] of [
    ["with an error event", {}],
    ["with a reset (Rust front end)", { "Sim:FrontEnd": "Rust" }],
    // The port is closed, the connection stays open and silent: the relay asks after ten seconds whether the server still listens.
    ["with silence, after its shutdown timeout", { "Sim:ShutdownTimeout": "00:00:00.1", "Sim:ShutdownSilence": "00:05:00" }],
  ] as const)
    test(`the model's server is stopped in mid-answer and ends it ${how}: the reader sees one unbroken answer`, async ({ page, start }) => {
      const { sim, ...parts } = await split(start, settings);
      const { chat, whole } = await askUntilMidAnswer(page, parts);
      const stopped = sim.end("SIGTERM");
      await expect(chat.note.locator("p")).toHaveText(new RegExp(`${chat.words.resuming}|${chat.words.waitingToContinue}`), {
        timeout: 20_000,
      });
      await expect(chat.stop).toBeVisible();
      await sim.end();
      await stopped;
      await sim.start();
      await expectUnbroken(chat, whole);
    });

  test("a server that is stopped with a shutdown timeout ends the answer before it exits", async ({ page, start }) => {
    const { sim, ...parts } = await split(start, { "Sim:ShutdownTimeout": "00:01:00" });
    const { chat, whole } = await askUntilMidAnswer(page, parts);
    const stopped = sim.end("SIGTERM");
    await expectUnbroken(chat, whole);
    expect(await stopped).toBe(0);
  });
});

for (const fault of ["Stopping", "RouterError"])
  test(`after a cut, a server that answers 500 (${fault}) while it restarts is waited for`, async ({ chat, model }) => {
    const whole = await uninterrupted(chat);
    await model.set({ Fault: "Cut", FaultAfterTokens: 120, FaultTimes: 1 });
    await chat.say(question);
    await chat.expectNote(chat.words.resuming, chat.words.tryNow);
    await model.set({ Fault: fault, FaultTimes: 5 });
    await expectUnbroken(chat, whole);
    expect((await model.requests()).filter(({ body }) => body.continue_final_message === true)).toHaveLength(6);
  });
