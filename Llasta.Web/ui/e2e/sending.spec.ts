import { expect, test } from "./support/test.ts";

test("a message is answered, with the model's name and the server's figures", async ({ chat }) => {
  await chat.ask("Hello there");
  await expect(chat.questions).toHaveText(["Hello there"]);
  await expect(chat.last.getByRole("heading", { name: "Qwen3-8B" })).toBeVisible();
  await expect(chat.answer).toContainText("Hello there");
  await expect(chat.last.locator(".figures")).toHaveText(/^[\d,]+ tokens · [\d.,]+ tokens\/s · [\d.]+ m?s to the first token$/);
  await expect(chat.box).toHaveValue("");
});

test("Shift+Enter starts a new line, Enter sends", async ({ chat }) => {
  await chat.box.pressSequentially("one");
  await chat.box.press("Shift+Enter");
  await chat.box.pressSequentially("two");
  await chat.box.press("Enter");
  await chat.ended();
  await expect(chat.questions).toHaveText(["one\ntwo"]);
});

test("a double click on Send sends once and stops nothing", async ({ chat, model }) => {
  await model.set({ QueueDelay: "00:15:00" });
  await chat.box.fill("Hello");
  await chat.send.dblclick();
  await expect(chat.exchanges).toHaveCount(1);
  await expect(chat.stop).toBeVisible();
  await expect.poll(async () => (await model.requests()).map(({ state }) => state)).toEqual(["running"]);
});

test("a double click on Stop stops, and sends neither the draft nor the message that comes back", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  await model.turn();
  await chat.stop.dblclick();
  await expect(chat.box).toHaveValue("Hello");
  await chat.box.press("Enter");
  (await model.turn()).say("One");
  await expect(chat.answer).toHaveText("One");
  await chat.box.fill("A draft");
  await chat.stop.dblclick();
  await chat.expectNote(chat.words.states.stopped, chat.words.continue);
  await expect(chat.box).toHaveValue("A draft");
  await expect(chat.exchanges).toHaveCount(1);
});

test("an empty message isn't sent", async ({ chat, model }) => {
  await expect(chat.send).toHaveAttribute("aria-disabled", "true");
  await chat.say("  \n ");
  await chat.send.click({ force: true });
  await expect(chat.exchanges).toHaveCount(0);
  expect(await model.requests()).toEqual([]);
});

test("an empty page says what it is, and its suggestions can be sent", async ({ chat }) => {
  await expect(chat.page.getByRole("heading", { name: chat.words.emptyTitle })).toBeVisible();
  for (const suggestion of chat.words.suggestions) await expect(chat.button(suggestion)).toBeVisible();
  await chat.button(chat.words.suggestions[3]!).click();
  await chat.ended();
  await expect(chat.questions).toHaveText([chat.words.suggestions[3]!]);
  await expect(chat.page.getByRole("heading", { name: chat.words.emptyTitle })).toHaveCount(0);
});

test("a message sent while an answer runs waits in sight, and is sent when the answer is complete", async ({ script: { chat, model } }) => {
  await chat.say("first");
  const turn = await model.turn();
  turn.say("An answer");
  await expect(chat.answer).toHaveText("An answer");
  await chat.say("second");
  await expect(chat.box).toHaveValue("");
  await expect(chat.queued).toHaveText(`${chat.words.queuedMessage} second`);
  turn.say(" to that.").end();
  await expect(chat.questions).toHaveText(["first", "second"]);
  const next = await model.turn();
  expect(next.messages.map(({ content }) => content)).toEqual(["first", "An answer to that.", "second"]);
  await expect(chat.queued).toBeHidden();
  next.end();
});

test("a queued message can be taken back, and comes back when the answer is stopped", async ({ script: { chat, model } }) => {
  await chat.say("first");
  (await model.turn()).say("An answer");
  await expect(chat.answer).toHaveText("An answer");
  await chat.say("second");
  await chat.page.locator(".queued").getByRole("button").click();
  await expect(chat.box).toHaveValue("second");
  await expect(chat.queued).toBeHidden();
  await chat.button(chat.words.enqueue).click();
  await expect(chat.queued).toBeVisible();
  await chat.stop.click();
  await chat.ended();
  await expect(chat.box).toHaveValue("second");
  await expect(chat.questions).toHaveText(["first"]);
});

test("the up arrow in an empty box edits the last question", async ({ script: { chat, model } }) => {
  await chat.say("first");
  (await model.turn()).say("1").end();
  await chat.ended();
  await chat.box.fill("x");
  await chat.box.press("ArrowUp");
  await expect(chat.box).toHaveValue("x");
  await chat.box.fill("");
  await chat.box.press("ArrowUp");
  await expect(chat.box).toHaveValue("first");
  await expect(chat.page.getByText(chat.words.editing)).toBeVisible();
});

test("the indentation of a message's first line is kept", async ({ script: { chat, model } }) => {
  await chat.say("\n\n    def f():\n        pass\n\n");
  const turn = await model.turn();
  expect(turn.messages).toEqual([{ role: "user", content: "    def f():\n        pass" }]);
  turn.end();
});

test("code in a question is shown as code, and sent as it was written", async ({ script: { chat, model } }) => {
  await chat.say("What does `f` do?\n\n```python\ndef f():\n    return 1\n```");
  const turn = await model.turn();
  expect(turn.messages[0]!.content).toBe("What does `f` do?\n\n```python\ndef f():\n    return 1\n```");
  await expect(chat.last.locator(".question pre")).toHaveText("def f():\n    return 1");
  await expect(chat.last.locator(".question code")).toHaveText("f");
  turn.end();
});

test("a question mark shows the keyboard shortcuts, but not in the message box", async ({ chat, page }) => {
  await chat.box.fill("");
  await chat.box.press("?");
  await expect(chat.box).toHaveValue("?");
  const list = page.getByRole("dialog", { name: chat.words.shortcuts });
  await expect(list).toBeHidden();
  await chat.button(chat.words.reset).focus();
  await page.keyboard.press("?");
  await expect(list).toBeVisible();
  await expect(list.getByRole("row")).toHaveCount(chat.words.shortcutList.length);
  await page.keyboard.press("Escape");
  await expect(list).toBeHidden();
});

test("Enter that ends a composition doesn't send, the next one does", async ({ chat, page }) => {
  const browser = await page.context().newCDPSession(page);
  await chat.box.focus();
  await browser.send("Input.imeSetComposition", { text: "にほ", selectionStart: 2, selectionEnd: 2 });
  await expect(chat.box).toHaveValue("にほ");
  const enter = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 229, nativeVirtualKeyCode: 13 };
  await browser.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...enter });
  await browser.send("Input.insertText", { text: "日本" });
  await browser.send("Input.dispatchKeyEvent", { type: "keyUp", ...enter, windowsVirtualKeyCode: 13 });
  await expect(chat.box).toHaveValue("日本");
  await expect(chat.exchanges).toHaveCount(0);
  await chat.box.press("Enter");
  await chat.ended();
  await expect(chat.questions).toHaveText(["日本"]);
});

test("Enter in mid-composition doesn't send if only isComposing says so", async ({ chat }) => {
  await chat.box.fill("한");
  await chat.box.evaluate((box) => {
    box.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", code: "Enter", isComposing: true, bubbles: true, cancelable: true }));
    box.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "한" }));
    // Safari: the composition has just ended, and the key still belongs to it.
    box.dispatchEvent(
      new KeyboardEvent("keydown", { key: "Enter", code: "Enter", keyCode: 229, bubbles: true, cancelable: true } as KeyboardEventInit),
    );
  });
  await expect(chat.box).toHaveValue("한");
  await expect(chat.exchanges).toHaveCount(0);
});

test("a composition that is cancelled doesn't close the form in which an answer is edited", async ({ chat }) => {
  await chat.ask("Hello");
  const editor = chat.last.getByRole("textbox", { name: chat.words.editAnswer });
  await chat.button(chat.words.editAnswer).click();
  await expect(editor).toBeFocused();
  await editor.fill("にほ");
  for (const init of [{ isComposing: true }, { keyCode: 229 }])
    await editor.evaluate(
      (box, init) =>
        box.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", code: "Escape", bubbles: true, cancelable: true, ...init })),
      init,
    );
  await expect(editor).toHaveValue("にほ");
});

test("Enter that is held sends once: neither a draft that returns nor the message again", async ({ page, script: { chat, model } }) => {
  const hold = async () => {
    for (let i = 0; i < 3; i++) await page.keyboard.down("Enter");
    await page.keyboard.up("Enter");
  };
  await chat.box.fill("Hello");
  await hold();
  (await model.turn()).say("Hi").end();
  await chat.ended();
  await chat.box.fill("half a draft");
  await chat.button(chat.words.edit).click();
  await chat.box.fill("Hello there");
  await hold();
  const turn = await model.turn();
  expect(turn.messages).toEqual([{ role: "user", content: "Hello there" }]);
  await expect(chat.box).toHaveValue("half a draft");
  await expect(chat.queued).toBeHidden();
  turn.say("Hi").end();
  await chat.ended();
});

test("the pill names the model and its state, and that it is simulated", async ({ chat }) => {
  await expect(chat.pill).toHaveText("Qwen3-8Breadysimulated");
  await expect(chat.pill.getByTitle(chat.words.simulatedHint)).toBeVisible();
});

test("a real model isn't called simulated", async ({ script: { chat } }) => {
  await expect(chat.pill).toHaveAttribute("data-state", "ready");
  await expect(chat.pill.getByText(chat.words.simulated)).toBeHidden();
});

test("the gauge shows the server's count of the draft, and the usage of a turn", async ({ chat }) => {
  await expect(chat.gauge).toBeHidden();
  await chat.box.fill("word ".repeat(2000));
  await expect(chat.gauge).toHaveAttribute("aria-valuetext", /^2,0\d\d of 16,384 tokens$/);
  await chat.box.press("Enter");
  await chat.ended();
  await expect(chat.gauge).toHaveAttribute("aria-valuetext", /^2,\d{3} of 16,384 tokens$/);
  await expect(chat.gauge).toHaveAttribute("aria-valuemax", "16384");
});

test("the gauge follows the system prompt and what is left out", async ({ script: { chat, model }, page }) => {
  for (const message of ["word ".repeat(2000), "And then?"]) {
    await chat.say(message);
    (await model.turn()).say("Yes.").end();
    await chat.ended();
  }
  const system = async (prompt: string) => {
    await chat.button(chat.words.settings).click();
    await chat.settings.getByRole("textbox", { name: chat.words.system }).fill(prompt);
    await chat.button(chat.words.close).click();
  };
  await system("Be brief.");
  await expect(chat.gauge).toHaveAttribute("aria-valuetext", /^2,\d{3} of/);
  await chat.exchanges.first().getByRole("button", { name: chat.words.leaveOut }).click();
  await expect(chat.gauge).toHaveAttribute("aria-valuetext", /^\d\d of/);
  await system("Be brief. ".repeat(1000));
  await expect(chat.gauge).toHaveAttribute("aria-valuetext", /^2,\d{3} of/);

  // The last figure stays until there is a newer one.
  await page.route("**/api/tokens", (route) => route.abort());
  const asked = page.waitForRequest("**/api/tokens");
  await system("Be brief.");
  await asked;
  await expect(chat.gauge).toHaveAttribute("aria-valuetext", /^2,\d{3} of/);
});

test("a screen reader hears the beginning and the end; the transcript isn't a live region", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  const turn = await model.turn();
  turn.think("Hm.");
  await expect(chat.announcer).toHaveText(chat.words.announceThinking);
  turn.say("Hi");
  await expect(chat.announcer).toHaveText(chat.words.announceStart);
  await expect(chat.last).toHaveAttribute("aria-busy", "true");
  turn.end();
  await expect(chat.announcer).toHaveText(chat.words.announceEnd);
  await expect(chat.page.locator("main[aria-live], main [aria-live]")).toHaveCount(0);
});
