import { expect, test, type Chat } from "./support/test.ts";
import type { ModelControl, ModelRequest } from "./support/modelControl.ts";

/** Expects that the model's server saw its one request aborted in this phase. */
async function expectLeft(model: ModelControl, phase: ModelRequest["phase"]): Promise<ModelRequest> {
  await expect
    .poll(async () => (await model.requests()).map(({ phase, abortedAt }) => [phase, abortedAt !== null]))
    .toEqual([[phase, true]]);
  return (await model.requests())[0]!;
}

async function stopsWithAnAnswer(chat: Chat): Promise<void> {
  await chat.stop.click();
  await chat.ended();
  await chat.expectNote(chat.words.states.stopped, chat.words.continue);
}

test("stopping in the queue leaves it and returns the message", async ({ chat, model }) => {
  await model.set({ QueueDelay: "00:15:00" });
  await chat.say("Hello");
  await chat.expectNote(chat.words.sending);
  await expect.poll(async () => (await model.requests()).map(({ phase }) => phase)).toEqual(["queued"]);
  await chat.stop.click();
  await chat.ended();
  expect((await expectLeft(model, "queued")).state).toBe("aborted");
  await expect(chat.box).toHaveValue("Hello");
  await expect(chat.notice).toHaveText(chat.words.draftBack);
  await expect(chat.exchanges).toHaveCount(0);
});

test("stopping while thinking closes the model's request and keeps the thinking", async ({ chat, model }) => {
  await model.set({ Fault: "Stall", FaultPhase: "Thinking", FaultAfterTokens: 12 });
  await chat.say("Hello");
  // All twelve tokens.
  await expect(chat.thought).toHaveText(/There is$/);
  const thought = await chat.thought.textContent();
  await stopsWithAnAnswer(chat);
  await expectLeft(model, "thinking");
  expect(await chat.thought.textContent()).toBe(thought);
  await expect(chat.box).toHaveValue("");

  await model.set({ Fault: "None" });
  await chat.action.click();
  await chat.ended();
  await expect(chat.answer).toContainText("Hello");
  await expect(chat.note).toBeHidden();
});

test("stopping while answering closes the model's request; Continue completes the same answer", async ({ chat, model }) => {
  await chat.ask("Compare things in a table, please");
  const whole = await chat.lastAnswerText();
  await chat.button(chat.words.reset).click();
  await model.clear();

  await model.set({ Fault: "Stall", FaultPhase: "Answering", FaultAfterTokens: 40 });
  await chat.say("Compare things in a table, please");
  await expect(chat.answer).toContainText("no real model");
  await stopsWithAnAnswer(chat);
  await expectLeft(model, "answering");
  const part = await chat.lastAnswerText();
  expect(whole.startsWith(part) && part.length < whole.length).toBe(true);

  await model.set({ Fault: "None" });
  await chat.action.click();
  await chat.ended();
  expect(await chat.lastAnswerText()).toBe(whole);
  await expect(chat.note).toBeHidden();
  const { body } = (await model.requests()).at(-1)!;
  expect(body.continue_final_message).toBe(true);
  expect(body.messages.at(-1)).toMatchObject({ role: "assistant", content: part });
});

test("stopping after the last token closes the model's request and keeps the answer", async ({ chat, model }) => {
  await chat.ask("Hello");
  const whole = await chat.lastAnswerText();
  await chat.button(chat.words.reset).click();
  await model.clear();

  await model.set({ Fault: "Stall", FaultPhase: "AfterFinish" });
  await chat.say("Hello");
  await expect.poll(async () => (await model.requests()).map(({ phase }) => phase)).toEqual(["after-finish"]);
  await expect(chat.answer).toContainText("OPENAI_API_BASE_URL");
  await chat.stop.click();
  await chat.ended();
  await expectLeft(model, "after-finish");
  expect(await chat.lastAnswerText()).toBe(whole);
});

test("Escape in the message box stops", async ({ chat, model }) => {
  await model.set({ Fault: "Stall", FaultPhase: "Answering", FaultAfterTokens: 10 });
  await chat.say("Hello");
  await expect(chat.answer).not.toBeEmpty();
  await chat.box.press("Escape");
  await chat.ended();
  await expectLeft(model, "answering");
  await expect(chat.box).toBeFocused();
});

test("Escape stops from anywhere on the page", async ({ chat, model, page }) => {
  await model.set({ Fault: "Stall", FaultPhase: "Answering", FaultAfterTokens: 10 });
  await chat.say("Hello");
  await expect(chat.answer).not.toBeEmpty();
  await chat.answer.click();
  await page.keyboard.press("Escape");
  await chat.ended();
  await expectLeft(model, "answering");
});

test("stopping while waiting for an unreachable model returns the message", async ({ chat, model }) => {
  await model.set({ Fault: "Refuse" });
  await chat.say("Hello");
  await chat.expectNote(chat.words.waitingUnreachable, chat.words.tryNow);
  await chat.stop.click();
  await chat.ended();
  await expect(chat.box).toHaveValue("Hello");
  await expect(chat.exchanges).toHaveCount(0);
});

test("resetting while answering closes the model's request", async ({ chat, model }) => {
  await model.set({ Fault: "Stall", FaultPhase: "Answering", FaultAfterTokens: 10 });
  await chat.say("Hello");
  await expect(chat.answer).not.toBeEmpty();
  await chat.button(chat.words.reset).click();
  await expectLeft(model, "answering");
  await chat.button(chat.words.undo).click();
  await expect(chat.answer).not.toBeEmpty();
  await chat.expectNote(chat.words.states.stopped, chat.words.continue);
});

test("closing the tab closes the model's request", async ({ chat, model }) => {
  await model.set({ Fault: "Stall", FaultPhase: "Answering", FaultAfterTokens: 10 });
  await chat.say("Hello");
  await expect(chat.answer).not.toBeEmpty();
  await chat.page.close();
  await expectLeft(model, "answering");
});
