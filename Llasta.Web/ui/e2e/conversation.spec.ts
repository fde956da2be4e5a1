import { Chat, expect, test } from "./support/test.ts";

test("Reset clears the conversation, and Undo brings it back with all its answers", async ({ chat }) => {
  await chat.ask("First");
  await chat.ask("Second");
  const before = (await chat.exported()).text;
  await chat.button(chat.words.reset).click();
  await expect(chat.exchanges).toHaveCount(0);
  await expect(chat.box).toBeFocused();
  await expect(chat.announcer).toHaveText(chat.words.wasReset);
  await chat.button(chat.words.undo).click();
  await expect(chat.questions).toHaveText(["First", "Second"]);
  await expect(chat.announcer).toHaveText(chat.words.restored);
  expect((await chat.exported()).text).toBe(before);
  await chat.ask("Third");
  await expect(chat.questions).toHaveCount(3);
});

test("Undo is offered for a few seconds, longer while the pointer is on it", async ({ chat, page }) => {
  await chat.ask("First");
  await page.clock.install();
  await chat.button(chat.words.reset).click();
  const undo = chat.button(chat.words.undo);
  await page.clock.runFor(5000);
  await undo.hover();
  await page.clock.runFor(60_000);
  await expect(undo).toBeVisible();
  await chat.box.hover();
  await page.clock.runFor(60_000);
  await expect(undo).toBeHidden();
  await expect(chat.exchanges).toHaveCount(0);
});

test("after Reset nothing of the old conversation is sent", async ({ chat, model }) => {
  await chat.ask("First");
  await chat.button(chat.words.reset).click();
  await chat.ask("Second");
  expect((await model.requests()).at(-1)!.body.messages).toEqual([{ role: "user", content: "Second" }]);
});

test("Regenerate asks the same question again", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  (await model.turn()).say("One.").end();
  await expect(chat.answer).toHaveText("One.");
  await chat.button(chat.words.regenerate).click();
  const again = await model.turn();
  expect(again.messages).toEqual([{ role: "user", content: "Hello" }]);
  again.say("Two.").end();
  await chat.ended();
  await expect(chat.answer).toHaveText("Two.");
  await expect(chat.exchanges).toHaveCount(1);
});

test("Edit replaces the last message and keeps the draft", async ({ script: { chat, model } }) => {
  await chat.say("What is 1 + 1?");
  (await model.turn()).say("2").end();
  await chat.ended();
  await chat.box.fill("A draft");
  await chat.button(chat.words.edit).click();
  await expect(chat.box).toHaveValue("What is 1 + 1?");
  await expect(chat.box).toBeFocused();
  await expect(chat.page.getByText(chat.words.editing)).toBeVisible();
  await chat.box.press("Escape");
  await expect(chat.box).toHaveValue("A draft");
  await expect(chat.answer).toHaveText("2");

  await chat.button(chat.words.edit).click();
  await chat.box.fill("What is 2 + 2?");
  await chat.box.press("Enter");
  const again = await model.turn();
  expect(again.messages).toEqual([{ role: "user", content: "What is 2 + 2?" }]);
  again.say("4").end();
  await chat.ended();
  await expect(chat.questions).toHaveText(["What is 2 + 2?"]);
  await expect(chat.answer).toHaveText("4");
  await expect(chat.box).toHaveValue("A draft");
});

test("the system prompt is sent with every message and survives Reset", async ({ chat, model }) => {
  await chat.button(chat.words.settings).click();
  await chat.settings.getByRole("textbox", { name: chat.words.system }).fill("Answer like a pirate.");
  await chat.page.keyboard.press("Escape");
  await expect(chat.settings).toBeHidden();
  await chat.ask("Hello");
  await chat.button(chat.words.reset).click();
  await chat.ask("Again");
  for (const { body } of await model.requests()) expect(body.messages[0]).toEqual({ role: "system", content: "Answer like a pirate." });
});

test("the whole history is sent with the next message", async ({ chat, model }) => {
  await chat.ask("First");
  const first = await chat.lastAnswerText();
  await chat.ask("Second");
  expect((await model.requests()).at(-1)!.body.messages).toEqual([
    { role: "user", content: "First" },
    { role: "assistant", content: first },
    { role: "user", content: "Second" },
  ]);
});

test("a conversation saved as JSON opens in another page as it was, and can be continued", async ({ chat, context, web, model }) => {
  await chat.button(chat.words.settings).click();
  await chat.settings.getByRole("textbox", { name: chat.words.system }).fill("Be brief.");
  await chat.page.keyboard.press("Escape");
  await chat.ask("Show me everything");
  await chat.ask("And a table");
  const saved = await chat.exported();
  expect(saved.name).toMatch(/^llasta-\d{8}-\d{4}\.json$/);
  const drawn = await chat.page.locator("main").innerText();

  const fresh = new Chat(await context.newPage());
  await fresh.open(web.url);
  await fresh.import(saved.text);
  await expect(fresh.exchanges).toHaveCount(2);
  await expect(fresh.announcer).toHaveText(fresh.words.imported);
  // Formulas are drawn once their library is loaded.
  await expect.poll(() => fresh.page.locator("main").innerText()).toBe(drawn);
  expect((await fresh.exported()).text).toBe(saved.text);
  await fresh.ask("Go on");
  const { messages } = (await model.requests()).at(-1)!.body;
  expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user", "assistant", "user"]);
});

test("opening a conversation over another one can be undone", async ({ chat }) => {
  await chat.ask("First");
  const saved = (await chat.exported()).text;
  await chat.button(chat.words.reset).click();
  await chat.ask("Something else");
  await chat.import(saved);
  await expect(chat.questions).toHaveText(["First"]);
  await chat.button(chat.words.undo).click();
  await expect(chat.questions).toHaveText(["Something else"]);
});

for (const [what, text] of [
  ["no JSON", "{"],
  ["another JSON", '{"messages":[]}'],
  ["a newer version", '{"format":"llasta-conversation","version":99,"system":"","exchanges":[]}'],
])
  test(`a file that is ${what} is refused and changes nothing`, async ({ chat }) => {
    await chat.ask("First");
    await chat.import(text!);
    await expect(chat.settings).toContainText(chat.words.importFailed);
    await expect(chat.questions).toHaveText(["First"]);
  });

test("a conversation saved as Markdown is a document for people", async ({ chat }) => {
  await chat.ask("Show me a table");
  const { name, text } = await chat.exported("Markdown");
  expect(name).toMatch(/\.md$/);
  expect(text).toContain(`# ${chat.words.name}`);
  expect(text).toContain("## Qwen/Qwen3-8B");
  expect(text).toContain("| Part | What it does |");
  expect(text).toContain("<details>");
});

test("leaving a page with a conversation asks first; leaving an empty one doesn't", async ({ chat, page }) => {
  const asked: string[] = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    void dialog.dismiss();
  });
  await chat.box.fill("Hello");
  await page.reload();
  expect(asked).toEqual([]);
  await chat.ask("Hello");
  await page.close({ runBeforeUnload: true });
  await expect.poll(() => asked).toEqual(["beforeunload"]);
  await expect(chat.questions).toHaveText(["Hello"]);
});

test("two tabs are two conversations", async ({ chat, context, web, model }) => {
  const other = new Chat(await context.newPage());
  await other.open(web.url);
  await chat.ask("I am one");
  await model.set({ Fault: "Stall", FaultAfterTokens: 10, FaultTimes: 1 });
  await other.say("I am two");
  await expect(other.answer).not.toBeEmpty();
  await chat.page.bringToFront();
  await chat.ask("And one again");
  await chat.button(chat.words.reset).click();
  await expect(chat.exchanges).toHaveCount(0);
  await expect(other.questions).toHaveText(["I am two"]);
  await expect(other.stop).toBeVisible();
  await other.page.bringToFront();
  await other.stop.click();
  await other.ended();
  await other.expectNote(other.words.stopped, other.words.continue);
});

test("the page stores nothing but the appearance", async ({ chat, page, context }) => {
  await chat.ask("A secret");
  const stored = await page.evaluate(async () => ({
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: (await indexedDB.databases()).length,
    caches: (await caches.keys()).length,
  }));
  expect(stored).toEqual({ local: { theme: "auto" }, session: {}, databases: 0, caches: 0 });
  expect(await context.cookies()).toEqual([]);
});
