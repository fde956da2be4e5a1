import { ScriptedModel } from "./support/scriptedModel.ts";
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

test("Regenerate asks the same question again, and keeps the earlier answer as a version", async ({ script: { chat, model } }) => {
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
  await expect(chat.version).toHaveText("2/2");
  await chat.button(chat.words.earlierVersion).click();
  await expect(chat.answer).toHaveText("One.");
  await expect(chat.version).toHaveText("1/2");
  await chat.button(chat.words.laterVersion).click();
  await expect(chat.answer).toHaveText("Two.");
});

test("an answer can be regenerated with a wish, in one click or in the reader's own words", async ({ script: { chat, model } }) => {
  const { words } = chat;
  await chat.say("Hello");
  (await model.turn()).say("One.").end();
  await chat.ended();
  await chat.button(words.regenerateWithWish).click();
  const [shorter] = words.wishes;
  await chat.button(shorter!.label).click();
  const second = await model.turn();
  expect(second.messages).toEqual([{ role: "user", content: `Hello\n\n${shorter!.text}` }]);
  second.say("Two.").end();
  await chat.ended();
  await expect(chat.last).toContainText(words.wished(shorter!.text));
  await expect(chat.version).toHaveText("2/2");
  await expect(chat.questions).toHaveText("Hello");
  await chat.button(words.regenerateWithWish).click();
  await chat.page.getByRole("textbox", { name: words.wish }).fill("In verse, please.");
  await chat.page.getByRole("textbox", { name: words.wish }).press("Enter");
  const third = await model.turn();
  expect(third.messages).toEqual([{ role: "user", content: "Hello\n\nIn verse, please." }]);
  third.say("Three.").end();
  await chat.ended();
  await chat.button(words.earlierVersion).click();
  await chat.button(words.earlierVersion).click();
  await expect(chat.answer).toHaveText("One.");
  await expect(chat.last).not.toContainText(words.wished(""));
});

test("the form for a wish is closed by Escape, and by its button", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  (await model.turn()).say("One.").end();
  await chat.ended();
  const box = chat.page.getByRole("textbox", { name: chat.words.wish });
  await chat.button(chat.words.regenerateWithWish).click();
  await box.press("Escape");
  await expect(box).toHaveCount(0);
  await chat.button(chat.words.regenerateWithWish).click();
  await expect(box).toBeVisible();
  await chat.button(chat.words.regenerateWithWish).click();
  await expect(box).toHaveCount(0);
});

test("where the server lists several models the reader chooses, and each answer keeps the name of its own", async ({ page, start }) => {
  const model = await ScriptedModel.start();
  model.models = ["Qwen/Qwen3-8B", "some/text-embedder", "meta-llama/Llama-3.2-3B"];
  const web = await start("Llasta.Web", { OPENAI_API_BASE_URL: `${model.url}/v1` });
  const chat = new Chat(page);
  await chat.open(web.url);
  const menu = page.getByRole("combobox", { name: chat.words.chooseModel });
  await expect(menu.getByRole("option")).toHaveText(["Qwen3-8B", "Llama-3.2-3B"]);
  const ask = async (question: string) => {
    await chat.say(question);
    const turn = await model.turn();
    turn.say("Yes.").end();
    await chat.ended();
    return turn.model;
  };
  expect(await ask("First")).toBe("Qwen/Qwen3-8B");
  // By keyboard: the key belongs to the menu, not to the page.
  await menu.press("End");
  await expect(menu).toHaveValue("meta-llama/Llama-3.2-3B");
  expect(await ask("Second")).toBe("meta-llama/Llama-3.2-3B");
  await expect(chat.exchanges.getByRole("heading", { name: "Qwen3-8B" })).toHaveCount(1);
  await expect(chat.last.getByRole("heading", { name: "Llama-3.2-3B" })).toBeVisible();
  // The server is restarted with one model, and the menu goes.
  model.models = ["Qwen/Qwen3-8B"];
  await expect(async () => {
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await expect(menu).toBeHidden({ timeout: 200 });
  }).toPass();
  await expect(chat.pill).toContainText("Qwen3-8B");
  expect(await ask("Third")).toBe("Qwen/Qwen3-8B");
  await model.stop();
});

test("a new version can be undone, even while it is written", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  (await model.turn()).say("One.").end();
  await chat.ended();
  await chat.button(chat.words.regenerate).click();
  const again = await model.turn();
  again.say("Two");
  await expect(chat.answer).toHaveText("Two");
  await chat.button(chat.words.undo).click();
  await chat.ended();
  await expect(chat.answer).toHaveText("One.");
  await expect(chat.version).toHaveCount(0);
  await expect.poll(() => again.gone).toBe(true);
});

test("a new version that is stopped loses nothing of the earlier one", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  (await model.turn()).say("One.").end();
  await chat.ended();
  await chat.button(chat.words.regenerate).click();
  (await model.turn()).say("Tw");
  await expect(chat.answer).toHaveText("Tw");
  await chat.stop.click();
  await chat.ended();
  await chat.button(chat.words.earlierVersion).click();
  await expect(chat.answer).toHaveText("One.");
  await expect(chat.note).toBeHidden();
});

test("Edit asks a question in other words as a new version, and keeps the draft", async ({ script: { chat, model } }) => {
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
  await chat.button(chat.words.earlierVersion).click();
  await expect(chat.questions).toHaveText(["What is 1 + 1?"]);
});

test("any question can be edited, and its versions keep all that followed them", async ({ script: { chat, model }, page }) => {
  for (const [question, answer] of [
    ["a", "A"],
    ["b", "B"],
  ] as const) {
    await chat.say(question);
    (await model.turn()).say(answer).end();
    await chat.ended();
  }
  const first = page.getByRole("article").first();
  await first.getByRole("button", { name: chat.words.edit, exact: true }).click();
  await chat.box.fill("a2");
  await chat.box.press("Enter");
  const again = await model.turn();
  expect(again.messages).toEqual([{ role: "user", content: "a2" }]);
  again.say("A2").end();
  await chat.ended();
  await expect(chat.questions).toHaveText(["a2"]);
  const saved = (await chat.exported()).text;
  await chat.button(chat.words.earlierVersion).click();
  await expect(chat.questions).toHaveText(["a", "b"]);

  await chat.import(saved);
  await expect(chat.questions).toHaveText(["a2"]);
  await chat.button(chat.words.earlierVersion).click();
  await expect(chat.questions).toHaveText(["a", "b"]);
});

test("a question in other words waits for the end of a turn, and isn't queued", async ({ script: { chat, model } }) => {
  for (const question of ["a", "b"]) {
    await chat.say(question);
    (await model.turn()).say("A").end();
    await chat.ended();
  }
  await chat.exchanges.first().getByRole("button", { name: chat.words.edit, exact: true }).click();
  await chat.box.fill("a in other words");
  await chat.last.getByRole("button", { name: chat.words.regenerate, exact: true }).click();
  const turn = await model.turn();
  await expect(chat.stop).toBeVisible();
  await expect(chat.button(chat.words.enqueue)).toBeHidden();
  turn.say("B").end();
  await chat.ended();
  await expect(chat.box).toHaveValue("a in other words");
  await chat.send.click();
  (await model.turn()).say("C").end();
  await chat.ended();
  await expect(chat.questions).toHaveText(["a in other words"]);
});

test("a question in other words isn't lost when something else takes its place", async ({ script: { chat, model }, page }) => {
  const say = async (question: string, answer: string) => {
    await chat.say(question);
    (await model.turn()).say(answer).end();
    await chat.ended();
  };
  const editLast = () => chat.last.getByRole("button", { name: chat.words.edit, exact: true }).click();
  await say("a", "A");
  await chat.button(chat.words.regenerate).click();
  (await model.turn()).say("A2").end();
  await chat.ended();
  await say("b", "B");
  await chat.box.fill("a draft");
  await editLast();
  await chat.box.fill("b in other words");
  await chat.button(chat.words.earlierVersion).click();
  await expect(chat.questions).toHaveText(["a"]);
  await expect(page.getByText(chat.words.editing)).toBeHidden();
  await expect(chat.box).toHaveValue("b in other words\n\na draft");

  // Nor when another question is edited, or the same one again, or the conversation is cleared.
  await chat.button(chat.words.laterVersion).click();
  await chat.box.fill("");
  await editLast();
  await chat.box.fill("b in other words");
  await editLast();
  await expect(chat.box).toHaveValue("b in other words");
  await chat.exchanges.first().getByRole("button", { name: chat.words.edit, exact: true }).click();
  await expect(chat.box).toHaveValue("a");
  await chat.button(chat.words.cancel).click();
  await expect(chat.box).toHaveValue("b in other words");
  await chat.box.fill("");
  await editLast();
  await chat.box.fill("b in other words");
  await chat.button(chat.words.reset).click();
  await expect(chat.box).toHaveValue("b in other words");
  await chat.button(chat.words.undo).click();
  await expect(chat.questions).toHaveText(["a", "b"]);
  await chat.button(chat.words.earlierVersion).click();

  // What wasn't changed is no draft.
  await chat.box.fill("a draft");
  await chat.button(chat.words.laterVersion).click();
  await editLast();
  await expect(chat.box).toHaveValue("b");
  await chat.button(chat.words.earlierVersion).click();
  await expect(chat.box).toHaveValue("a draft");
});

test("an answer that is being edited waits while a message is answered, and while another version is shown", async ({
  script: { chat, model },
}) => {
  await chat.say("Hello");
  (await model.turn()).say("One.").end();
  await chat.ended();
  const editor = chat.page.getByRole("textbox", { name: chat.words.editAnswer });
  await chat.button(chat.words.editAnswer).click();
  await expect(editor).toBeFocused();
  await editor.fill("One, in my words.");
  await chat.button(chat.words.editAnswer).click();
  await expect(editor).toHaveValue("One, in my words.");
  await chat.button(chat.words.regenerateWithWish).click();
  await chat.button(chat.words.wishes[0]!.label).click();
  (await model.turn()).say("Two.").end();
  await chat.ended();
  await chat.button(chat.words.earlierVersion).click();
  await expect(editor).toHaveValue("One, in my words.");

  await chat.say("Next");
  const turn = await model.turn();
  await chat.button(chat.words.save).click({ force: true });
  await expect(editor).toHaveValue("One, in my words.");
  turn.say("Yes.");
  await expect(chat.answer).toHaveText("Yes.");
  // Escape stops the turn, as everywhere.
  await editor.press("Escape");
  await chat.ended();
  await chat.button(chat.words.save).click();
  await expect(editor).toBeHidden();
  await expect(chat.answer).toHaveText("One, in my words.");
});

test("an answer whose form is open is drawn as any other when it is shown again", async ({ script: { chat, model }, page }) => {
  let draw = () => {};
  const isDetached = new Promise<void>((resolve) => {
    draw = resolve;
  });
  await page.route("**/assets/temml-*", async (route) => {
    await isDetached;
    await route.continue();
  });
  await chat.say("Hello");
  (await model.turn()).say(`Let $x$ be.\n\n    ${"code ".repeat(12)}\n`).end();
  await chat.ended();
  const code = chat.answer.locator("pre");
  await expect(code).not.toHaveAttribute("tabindex");
  await chat.button(chat.words.regenerateWithWish).click();
  await chat.button(chat.words.regenerate).first().click();
  (await model.turn()).say("Two, and $y$.").end();
  await chat.ended();
  draw();
  await expect(chat.answer.locator("math")).toBeVisible();
  await chat.button(chat.words.earlierVersion).click();
  await expect(chat.button(chat.words.wishes[0]!.label)).toBeVisible();
  await expect(chat.answer.locator("math")).toBeVisible();
  await page.setViewportSize({ width: 400, height: 800 });
  await expect(code).toHaveAttribute("tabindex", "0");
});

test("an answer that is continued while it is edited is seen", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  (await model.turn()).say("One, ").end("length");
  await chat.ended();
  const editor = chat.page.getByRole("textbox", { name: chat.words.editAnswer });
  await chat.button(chat.words.editAnswer).click();
  await expect(editor).toBeFocused();
  await expect(chat.answer).toBeHidden();
  await chat.action.click();
  (await model.turn()).say("two").end();
  await expect(chat.answer).toHaveText("One, two");
  await chat.ended();
  // Nothing was written in the form.
  await expect(editor).toBeHidden();
  await expect(chat.answer).toBeVisible();

  await chat.say("Hello");
  (await model.turn()).say("Three, ").end("length");
  await chat.ended();
  await chat.button(chat.words.editAnswer).last().click();
  await expect(editor).toBeFocused();
  await editor.fill("Three, or");
  await chat.action.click();
  (await model.turn()).say("four").end();
  await chat.ended();
  await expect(editor).toHaveValue("Three, or");
  await expect(chat.answer).toHaveText("Three, four");
  await expect(chat.answer).toBeVisible();
});

test("an answer can be edited and continued from where its text ends", async ({ script: { chat, model } }) => {
  await chat.say("Name three.");
  (await model.turn()).say("One, two, seven.").end();
  await chat.ended();
  await chat.button(chat.words.editAnswer).click();
  const editor = chat.last.getByRole("textbox", { name: chat.words.editAnswer });
  await expect(editor).toBeFocused();
  await editor.press("Escape");
  await expect(chat.answer).toHaveText("One, two, seven.");

  await chat.button(chat.words.editAnswer).click();
  // The page moves the cursor to the end when it focuses the box.
  await expect(editor).toBeFocused();
  await editor.fill("One, two, ");
  await chat.button(chat.words.saveAndContinue).click();
  const turn = await model.turn();
  expect(turn.messages.at(-1)).toEqual({ role: "assistant", content: "One, two, " });
  turn.say("three.").end();
  await chat.ended();
  await expect(chat.answer).toHaveText("One, two, three.");
  await chat.button(chat.words.editAnswer).click();
  await expect(editor).toBeFocused();
  await editor.fill("Something else");
  await chat.button(chat.words.save).click();
  await chat.expectNote(chat.words.edited, chat.words.continue);
  await expect(chat.version).toHaveText("3/3");
  await chat.say("Next");
  const next = await model.turn();
  expect(next.messages.map(({ content }) => content)).toEqual(["Name three.", "Something else", "Next"]);
  next.end();
});

test("a turn that is left out stays in sight and isn't sent", async ({ script: { chat, model }, page }) => {
  for (const [question, answer] of [
    ["a", "A"],
    ["b", "B"],
  ] as const) {
    await chat.say(question);
    (await model.turn()).say(answer).end();
    await chat.ended();
  }
  await chat.last.getByRole("button", { name: chat.words.leaveOut }).click();
  await expect(chat.last).toContainText(chat.words.leftOut);
  await chat.say("c");
  const turn = await model.turn();
  expect(turn.messages.map(({ content }) => content)).toEqual(["a", "A", "c"]);
  turn.say("C").end();
  await chat.ended();
  await page.getByRole("button", { name: chat.words.takeIn }).click();
  await chat.say("d");
  const next = await model.turn();
  expect(next.messages.map(({ content }) => content)).toEqual(["a", "A", "b", "B", "c", "C", "d"]);
  next.end();
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
  const answers = (of: Chat) => of.page.locator(".question, .answer-text").allTextContents();
  const drawn = await answers(chat);

  const fresh = new Chat(await context.newPage());
  await fresh.open(web.url);
  await fresh.import(saved.text);
  await expect(fresh.exchanges).toHaveCount(2);
  await expect(fresh.announcer).toHaveText(fresh.words.imported);
  // Formulas are drawn once their library is loaded.
  await expect.poll(() => answers(fresh)).toEqual(drawn);
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
  await page.reload();
  expect(asked).toEqual([]);
  await chat.ask("Hello");
  await page.close({ runBeforeUnload: true });
  await expect.poll(() => asked).toEqual(["beforeunload"]);
  await expect(chat.questions).toHaveText(["Hello"]);
});

test("leaving a page with a draft asks first", async ({ chat, page }) => {
  const asked: string[] = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    void dialog.dismiss();
  });
  await chat.box.fill("Hello");
  await page.close({ runBeforeUnload: true });
  await expect.poll(() => asked).toEqual(["beforeunload"]);
  await expect(chat.box).toHaveValue("Hello");
});

test("messages in OpenAI's form open as a conversation", async ({ script: { chat, model } }) => {
  const messages = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "a" },
    { role: "assistant", content: "A" },
  ];
  await chat.import(JSON.stringify({ model: "any", messages }));
  await expect(chat.questions).toHaveText(["a"]);
  await chat.say("b");
  const turn = await model.turn();
  expect(turn.messages).toEqual([...messages, { role: "user", content: "b" }]);
  turn.end();
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
  await other.expectNote(other.words.states.stopped, other.words.continue);
});

test("the page stores nothing but a chosen appearance, and leaves what others stored under its address", async ({
  chat,
  page,
  context,
}) => {
  const stored = () =>
    page.evaluate(async () => ({
      local: { ...localStorage },
      session: { ...sessionStorage },
      databases: (await indexedDB.databases()).length,
      caches: (await caches.keys()).length,
    }));
  await page.evaluate(() => localStorage.setItem("theme", "another program's"));
  await page.reload();
  await chat.ask("A secret");
  const local = { theme: "another program's" };
  expect(await stored()).toEqual({ local, session: {}, databases: 0, caches: 0 });
  await chat.button(chat.words.settings).click();
  await chat.settings.getByRole("radio", { name: chat.words.themes.dark }).check();
  expect(await stored()).toEqual({ local: { ...local, "llasta-theme": "dark" }, session: {}, databases: 0, caches: 0 });
  await chat.settings.getByRole("radio", { name: chat.words.themes.auto }).check();
  expect(await stored()).toEqual({ local, session: {}, databases: 0, caches: 0 });
  expect(await context.cookies()).toEqual([]);
});
