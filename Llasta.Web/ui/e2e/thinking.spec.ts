import { Chat, expect, test } from "./support/test.ts";

test("thinking is open while it streams, closes when the answer begins, and shows its duration", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  const turn = await model.turn();
  turn.think("\nLet me see.\n\nThe user");
  await expect(chat.thinking).toHaveAttribute("open", "");
  await expect(chat.thinking.locator("summary")).toHaveText(chat.words.thinking);
  await expect(chat.thought.locator("p")).toHaveText(["Let me see.", "The user"]);
  turn.think(" says hello.");
  await expect(chat.thought.locator("p")).toHaveText(["Let me see.", "The user says hello."]);
  turn.say("Hi!");
  await expect(chat.thinking).not.toHaveAttribute("open");
  await expect(chat.thinking.locator("summary")).toHaveText(/^Thought for [\d.]+ s$/);
  turn.end();
  await chat.ended();
  await expect(chat.answer).toHaveText("Hi!");

  await chat.thinking.locator("summary").click();
  await expect(chat.thought).toBeVisible();
});

test("thinking that the reader opened or closed stays that way", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  const turn = await model.turn();
  turn.think("Let me see.");
  await expect(chat.thinking).toHaveAttribute("open", "");
  await chat.thinking.locator("summary").click();
  turn.think(" And on.");
  await expect(chat.thought).toHaveText("Let me see. And on.");
  await expect(chat.thinking).not.toHaveAttribute("open");
  turn.say("Hi");
  await expect(chat.answer).toHaveText("Hi");
  await chat.thinking.locator("summary").click();
  turn.say(" there.");
  await expect(chat.answer).toHaveText("Hi there.");
  await expect(chat.thinking).toHaveAttribute("open", "");
  turn.end();
  await chat.ended();
  await expect(chat.thinking).toHaveAttribute("open", "");
});

test("Answer now skips the thinking and requests the answer alone", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  const thinks = await model.turn();
  expect(thinks.thinking).toBe(true);
  thinks.think("Let me think about this for a very long time.");
  await chat.button(chat.words.answerNow).click();
  const answers = await model.turn();
  expect(answers.thinking).toBe(false);
  await expect.poll(() => thinks.gone).toBe(true);
  answers.say("Hi!").end();
  await chat.ended();
  await expect(chat.answer).toHaveText("Hi!");
  await expect(chat.thinking.locator("summary")).toHaveText(/^Thinking skipped after [\d.]+ s$/);
  await expect(chat.button(chat.words.answerNow)).toBeHidden();
  await expect(chat.questions).toHaveCount(1);
});

test("with thinking off, the model answers at once, also the next message", async ({ chat, model }) => {
  await chat.think(false);
  await chat.ask("Hello");
  await expect(chat.thinking).toBeHidden();
  await chat.ask("And again");
  await chat.think(true);
  await chat.ask("Now think");
  await expect(chat.thinking).toBeVisible();
  expect((await model.requests()).map(({ body }) => body.chat_template_kwargs.enable_thinking)).toEqual([false, false, true]);
});

test("thinking is never sent as history", async ({ chat, model }) => {
  await chat.ask("Hello");
  const thought = await chat.thought.textContent();
  await chat.ask("Go on");
  expect(JSON.stringify((await model.requests()).at(-1)!.body.messages)).not.toContain(thought!.slice(0, 20));
});

for (const field of ["ReasoningContent", "Both", "Tags"])
  test(`thinking is recognised when the model's server sends ${field}`, async ({ page, start }) => {
    const sim = await start("Llasta.ModelSim", { "Sim:ReasoningField": field, "Sim:TokensPerSecond": 0 });
    const web = await start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1` });
    const chat = new Chat(page);
    await chat.open(web.url);
    await chat.ask("Hello");
    await expect(chat.thought).toContainText("the user wrote");
    await expect(chat.answer).not.toContainText(/user wrote|<\/?think>/);
    await expect(chat.answer).toContainText("Hello");
  });

test("sampling is sent for the mode it was chosen for, and an impossible value isn't sent", async ({ chat, page }) => {
  const sent: unknown[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/api/chat")) sent.push((request.postDataJSON() as { sampling?: unknown }).sampling);
  });
  await chat.button(chat.words.settings).click();
  await chat.settings.getByText(chat.words.samplingTitle).click();
  const field = (name: keyof typeof chat.words.sampling, mode: keyof typeof chat.words.samplingModes) =>
    chat.settings.getByRole("spinbutton", { name: `${chat.words.sampling[name]}, ${chat.words.samplingModes[mode]}` });
  await field("temperature", "thinking").fill("0.3");
  await field("maxTokens", "direct").fill("50");
  await field("topP", "direct").fill("7");
  await page.keyboard.press("Escape");
  await chat.ask("Hello");
  await chat.think(false);
  await chat.ask("Write 200 tokens");
  await chat.expectNote(chat.words.states.length, chat.words.continue);
  expect(sent).toEqual([{ temperature: 0.3 }, { maxTokens: 50 }]);
});
