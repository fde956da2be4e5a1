import { maxContinuations } from "../src/turn/turn.ts";
import { networkName } from "./support/launch.ts";
import { Chat, expect, test } from "./support/test.ts";

async function expectWholeAnswer(chat: Chat): Promise<void> {
  await chat.ended();
  await expect(chat.answer).toContainText("To talk to a real model");
  await expect(chat.note).toBeHidden();
}

test("done: there is no note under the answer", async ({ chat }) => {
  await chat.ask("Hello");
  await expectWholeAnswer(chat);
});

test("length: says that the limit was reached, and Continue completes the answer", async ({ chat, model }) => {
  await chat.think(false);
  await chat.ask("Write 400 tokens");
  const whole = await chat.lastAnswerText();
  await chat.button(chat.words.reset).click();

  await model.set({ ContextWindow: 200 });
  await chat.ask("Write 400 tokens");
  await chat.expectNote(chat.words.states.length, chat.words.continue);
  await model.set({ ContextWindow: 16_384 });
  await chat.action.click();
  await chat.ended();
  await expect(chat.note).toBeHidden();
  expect(await chat.lastAnswerText()).toBe(whole);
});

test("thinking-limit: says that there is no answer, and offers one without thinking", async ({ chat, model }) => {
  await model.set({ ContextWindow: 1200, ThinkingTokens: 5000 });
  await chat.ask("Hello");
  await chat.expectNote(chat.words.states["thinking-limit"], chat.words.answerWithoutThinking);
  await expect(chat.answer).toBeEmpty();
  await chat.action.click();
  await expectWholeAnswer(chat);
  expect((await model.requests()).map(({ body }) => body.chat_template_kwargs.enable_thinking)).toEqual([true, false]);
});

test("an answer that is only a thought is kept as a version when another is asked for", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  (await model.turn()).think("Hm.").end("length");
  await chat.ended();
  await chat.button(chat.words.regenerate).click();
  (await model.turn()).say("Hi").end();
  await chat.ended();
  await expect(chat.version).toHaveText("2/2");
  await chat.button(chat.words.undo).click();
  await chat.expectNote(chat.words.states["thinking-limit"], chat.words.answerWithoutThinking);
  await expect(chat.thought).toHaveText("Hm.");
});

test("truncated: after ten continuations the reader decides, and Continue completes the answer", async ({ chat, model, page }) => {
  await chat.ask("Hello");
  const whole = await chat.lastAnswerText();
  await page.clock.install();
  await chat.button(chat.words.reset).click();
  await model.clear();

  await model.set({ Fault: "Cut", FaultPhase: "Answering", FaultAfterTokens: 0 });
  await chat.say("Hello");
  await chat.passPauses(chat.words.states.truncated);
  await chat.expectNote(chat.words.states.truncated, chat.words.continue);
  await expect(chat.note).toHaveClass(/problem/);
  expect(await model.requests()).toHaveLength(maxContinuations + 1);

  await model.set({ Fault: "None" });
  await page.clock.resume();
  await chat.action.click();
  await chat.ended();
  expect(await chat.lastAnswerText()).toBe(whole);
});

for (const [how, settings] of Object.entries({
  "an error before the stream": { Fault: "Error" },
  "a malformed chunk": { Fault: "Malformed", FaultAfterTokens: 15 },
  "a page of HTML": { Fault: "Html" },
} as const))
  test(`model-error: ${how} is shown, never becomes history, and Try again completes the answer`, async ({ chat, model, page }) => {
    await chat.think(false);
    await chat.ask("Hello");
    const whole = await chat.lastAnswerText();
    await chat.button(chat.words.reset).click();
    await model.clear();

    await page.clock.install();
    await model.set(settings);
    await chat.say("Hello");
    await chat.passPauses(chat.words.states["model-error"]);
    await chat.expectNote(chat.words.states["model-error"], chat.words.tryAgain);
    await expect(chat.note).toHaveClass(/problem/);
    await expect(chat.note.locator(".detail")).not.toBeEmpty();
    await expect(chat.announcer).toContainText(chat.words.states["model-error"]);

    await model.set({ Fault: "None" });
    await page.clock.resume();
    await chat.action.click();
    await expectWholeAnswer(chat);
    expect(await chat.lastAnswerText()).toBe(whole);
    for (const { body } of await model.requests()) expect(JSON.stringify(body.messages)).not.toContain("server failed");
  });

test("model-error before the stream is retried three times, visibly, with the server's sentence", async ({ chat, model, page }) => {
  await page.clock.install();
  await model.set({ Fault: "Error" });
  await chat.say("Hello");
  await chat.expectNote(chat.words.waitingError, chat.words.tryNow);
  await expect(chat.note.locator(".detail")).not.toBeEmpty();
  await expect(chat.note.locator(".time")).toHaveText(/^next try in 0:0\d$/);
  await expect(chat.stop).toBeVisible();
  await chat.passPauses(chat.words.states["model-error"]);
  expect(await model.requests()).toHaveLength(4);
});

test("an exchange keeps its end state when others follow, and in a file", async ({ chat, model, page }) => {
  await page.clock.install();
  await model.set({ Fault: "Stall", FaultPhase: "Answering", FaultAfterTokens: 5, FaultTimes: 1 });
  await chat.think(false);
  await chat.say("First");
  await expect(chat.answer).not.toBeEmpty();
  await chat.stop.click();
  await chat.ended();
  await model.set({ Fault: "Unauthorized" });
  await chat.ask("Second");
  await model.set({ Fault: "None" });
  await chat.ask("Third");
  const notes = [chat.words.states.stopped, `${chat.words.states["model-auth"]} ${chat.words.notSent}`];
  await expect(page.locator(".note:visible p")).toHaveText(notes);
  await expect(page.locator(".note:visible").getByRole("button")).toHaveCount(0);
  const { messages } = (await model.requests()).at(-1)!.body;
  expect(messages.filter(({ role }) => role === "user").map(({ content }) => content)).toEqual(["First", "Third"]);

  const saved = await chat.exported();
  await chat.button(chat.words.reset).click();
  await chat.import(saved.text);
  await expect(page.locator(".note:visible p")).toHaveText(notes);
});

const turnThatEnds = (end: object) => ({
  contentType: "text/event-stream",
  body: `event: start\ndata: {"id":"1","model":"Qwen/Qwen3-8B","contextWindow":100}\n\ndata: "So far"\n\nevent: end\ndata: ${JSON.stringify(end)}\n\n`,
});

for (const state of ["repetition", "filtered"] as const)
  test(`${state}: says so with the server's reason, and Regenerate asks again`, async ({ chat, page }) => {
    await page.route("**/api/chat", (route) => route.fulfill(turnThatEnds({ state, detail: "The server's reason." })), { times: 1 });
    await chat.ask("Hello");
    await chat.expectNote(chat.words.states[state], chat.words.regenerate);
    await expect(chat.note.locator(".detail")).toHaveText("The server's reason.");
    await chat.action.click();
    await expectWholeAnswer(chat);
  });

test("window-full: leaves out the oldest turns and continues the answer", async ({ chat, page, model }) => {
  await chat.think(false);
  await chat.ask("Write 100 words");
  await page.route(
    "**/api/chat",
    (route) => route.fulfill(turnThatEnds({ state: "window-full", usage: { promptTokens: 150, completionTokens: 3 } })),
    { times: 1 },
  );
  await chat.ask("And more");
  await chat.expectNote(chat.words.states["window-full"], chat.words.leaveOutOldest(1));
  await chat.action.click();
  await chat.ended();
  await expect(chat.answer).toContainText("So far");
  await expect(chat.page.locator(".dropped")).toHaveText(chat.words.dropped(1));
  expect((await model.requests()).at(-1)!.body.messages.map(({ content }) => content)).toEqual(["And more", "So far"]);
});

for (const [how, answer] of Object.entries({
  "a 401": { status: 401, body: "" },
  "a redirect": { status: 302, headers: { Location: "https://login.example/" } },
  "a login page": { status: 200, contentType: "text/html", body: "<form></form>" },
  "a login page with status 403": { status: 403, contentType: "text/html", body: "<form></form>" },
}))
  test(`signed-out: ${how} of a login proxy is told, offers to save, and Try again sends the message`, async ({ chat, page }) => {
    await chat.ask("First");
    await page.route("**/api/*", (route) => route.fulfill(answer));
    await chat.ask("Hello");
    await expect(chat.note.locator("p")).toContainText(chat.words.states["signed-out"]);
    await expect(chat.note.locator(".detail")).toHaveText(chat.words.hints["signed-out"]);
    await expect(chat.action).toHaveText([chat.words.exportJson, chat.words.tryAgain]);
    await expect(chat.pill).toHaveAttribute("data-state", "signed-out");
    const download = page.waitForEvent("download");
    await chat.action.first().click();
    expect((await download).suggestedFilename()).toMatch(/\.json$/);
    await page.unroute("**/api/*");
    await chat.action.last().click();
    await expectWholeAnswer(chat);
    await expect(chat.pill).toHaveAttribute("data-state", "ready");
  });

test("context-overflow: offers to leave out the oldest turns, and shows which are left out", async ({ chat, model }) => {
  await chat.think(false);
  for (const question of ["Write 300 words, one", "Write 300 words, two", "Write 300 words, three"]) await chat.ask(question);
  await model.set({ ContextWindow: 1200 });
  await chat.ask("Hello");
  await expect(chat.note.locator("p")).toContainText(chat.words.states["context-overflow"]);
  await expect(chat.action).toHaveText(/^Leave out the (2 oldest turns|3 oldest turns|oldest turn)$/);
  await chat.action.click();
  await expectWholeAnswer(chat);
  await expect(chat.page.locator(".dropped")).toHaveText(/^The model no longer sees the (turn|\d turns) above\.$/);
  const unsent = await chat.page.locator("article.unsent").count();
  expect(unsent).toBeGreaterThan(0);
  const { messages } = (await model.requests()).at(-1)!.body;
  expect(messages.filter(({ role }) => role === "user")).toHaveLength(4 - unsent);
  await expect(chat.questions).toHaveCount(4);
});

test("context-overflow of a single message: the message is returned to be shortened", async ({ chat, model }) => {
  await model.set({ ContextWindow: 300 });
  const message = "word ".repeat(500).trim();
  await chat.say(message);
  await chat.ended();
  await expect(chat.notice).toContainText(chat.words.messageTooLong);
  await expect(chat.box).toHaveValue(message);
  await expect(chat.exchanges).toHaveCount(0);
  await chat.ask("Hello");
  await expect(chat.notice).toBeHidden();
});

test("model-auth: says who has to set what, and Try again", async ({ chat, model }) => {
  await model.set({ Fault: "Unauthorized" });
  await chat.ask("Hello");
  await chat.expectNote(chat.words.states["model-auth"], chat.words.tryAgain);
  await expect(chat.note.locator(".detail")).toContainText("OPENAI_API_KEY");
  await model.set({ Fault: "None" });
  await chat.action.click();
  await expectWholeAnswer(chat);
});

test("an answer that failed has no version, whichever button asks for it again", async ({ chat, model, page }) => {
  await model.set({ Fault: "Unauthorized" });
  await chat.ask("Hello");
  await chat.expectNote(chat.words.states["model-auth"], chat.words.tryAgain);
  await model.set({ Fault: "None" });
  await chat.button(chat.words.regenerate).click();
  await chat.ended();
  await expect(chat.answer).toContainText("Hello");
  await expect(chat.version).toHaveCount(0);
  await expect(page.getByText(chat.words.newVersion)).toBeHidden();
});

test("model-not-found: says who has to set what, and Try again", async ({ chat, model }) => {
  await model.set({ Fault: "NotFound" });
  await chat.ask("Hello");
  await chat.expectNote(chat.words.states["model-not-found"], chat.words.tryAgain);
  await expect(chat.note.locator(".detail")).toContainText("operator");
  await model.set({ Fault: "None" });
  await chat.action.click();
  await expectWholeAnswer(chat);
});

test("too-large: the draft is returned", async ({ page, sim, start, model }) => {
  void model;
  const web = await start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1`, "Chat:MaxBodyBytes": 2048 });
  const chat = new Chat(page);
  await chat.open(web.url);
  const message = "word ".repeat(800).trim();
  await chat.say(message);
  await chat.ended();
  await expect(chat.notice).toContainText(chat.words.states["too-large"]);
  await expect(chat.notice).toContainText(chat.words.draftBack);
  await expect(chat.box).toHaveValue(message);
  await expect(chat.exchanges).toHaveCount(0);
});

test("invalid-request: the draft is returned and the conversation is unchanged", async ({ page, sim, start, model }) => {
  void model;
  const web = await start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1`, "Chat:MaxMessages": 2 });
  const chat = new Chat(page);
  await chat.open(web.url);
  await chat.ask("Hello");
  await chat.say("And now?");
  await expect(chat.notice).toContainText(chat.words.states["invalid-request"]);
  await expect(chat.notice).toContainText("at most 2");
  await expect(chat.box).toHaveValue("And now?");
  await expect(chat.exchanges).toHaveCount(1);
  await expect(chat.announcer).toContainText(chat.words.states["invalid-request"]);
});

test("forbidden-origin: on a page under an unknown host name, the draft is returned", async ({ page, web, model }) => {
  void model;
  const chat = new Chat(page);
  await chat.open(web.url.replace("127.0.0.1", networkName));
  await chat.say("Hello");
  await expect(chat.notice).toContainText(chat.words.states["forbidden-origin"]);
  await expect(chat.box).toHaveValue("Hello");
  await expect(chat.exchanges).toHaveCount(0);
});

test("an empty answer is reported, and Try again asks again", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  (await model.turn()).end();
  await chat.ended();
  await chat.expectNote(chat.words.emptyAnswer, chat.words.tryAgain);
  await chat.action.click();
  (await model.turn()).say("Here I am.").end();
  await chat.ended();
  await expect(chat.answer).toHaveText("Here I am.");
  await expect(chat.note).toBeHidden();
});

test("a failed answer doesn't replace an earlier one", async ({ chat, model, page }) => {
  await chat.ask("Hello");
  const whole = await chat.lastAnswerText();
  await page.clock.install();
  await model.set({ Fault: "Error" });
  await chat.button(chat.words.regenerate).click();
  await chat.passPauses(chat.words.answerRestored, chat.notice);
  await expect(chat.notice).toContainText(chat.words.answerRestored);
  await expect(chat.notice).toContainText(chat.words.states["model-error"]);
  expect(await chat.lastAnswerText()).toBe(whole);
});
