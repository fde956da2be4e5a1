import { expect, test } from "./support/test.ts";

test.describe("an answer that can't be drawn as Markdown", () => {
  test.beforeEach(async ({ context }) => {
    await context.addInitScript(() => {
      const parse = DOMParser.prototype.parseFromString;
      DOMParser.prototype.parseFromString = function (this: DOMParser, html, type) {
        if (String(html).includes("undrawable")) throw new RangeError("Maximum call stack size exceeded");
        return parse.call(this, html, type);
      };
    });
  });

  test("is shown as plain text, and only that answer", async ({ script: { chat, model } }) => {
    await chat.say("First");
    (await model.turn()).say("All is **well**.").end();
    await chat.ended();
    await chat.say("Second");
    const turn = await model.turn();
    turn.say("Some **bold** text.\n\n");
    await expect(chat.answer.locator("strong")).toHaveText("bold");
    turn.say("Now *undrawable*,\n");
    await expect(chat.answer).toHaveText("Some **bold** text. Now *undrawable*,");
    turn.say("and more.").end();
    await chat.ended();
    await expect(chat.answer).toHaveText("Some **bold** text. Now *undrawable*, and more.");
    await expect(chat.page.locator("article").first().locator("strong")).toHaveText("well");
    expect(await chat.lastAnswerText()).toBe("Some **bold** text.\n\nNow *undrawable*,\nand more.");

    await chat.say("Third");
    (await model.turn()).say("And **on**.").end();
    await chat.ended();
    await expect(chat.answer.locator("strong")).toHaveText("on");
  });

  test("can be stopped, continued and reset", async ({ script: { chat, model } }) => {
    await chat.say("Hello");
    const turn = await model.turn();
    turn.say("An undrawable");
    await expect(chat.answer).toHaveText("An undrawable");
    await chat.stop.click();
    await chat.ended();
    await chat.expectNote(chat.words.states.stopped, chat.words.continue);
    await chat.action.click();
    (await model.turn()).say(" answer.").end();
    await chat.ended();
    await expect(chat.answer).toHaveText("An undrawable answer.");
    await chat.button(chat.words.reset).click();
    await expect(chat.exchanges).toHaveCount(0);
  });

  test("opens from a file with all the others", async ({ chat }) => {
    const answer = (text: string) => ({ text, reasoning: "", reasoningSkipped: false, state: "done" });
    const exchanges = ["**one**", "undrawable", "**three**"].map((text, i) => ({ question: `Question ${i}`, answer: answer(text) }));
    await chat.import(JSON.stringify({ format: "llasta-conversation", version: 1, system: "", dropped: 0, exchanges }));
    await expect(chat.settings).toBeHidden();
    await expect(chat.page.locator(".prose")).toHaveText(["one", "undrawable", "three"]);
  });
});

for (const [what, text] of [
  ["lists", "- ".repeat(3000)],
  ["numbered lists", "1. ".repeat(3000)],
  ["quotations", ">".repeat(6000)],
  ["lists in quotations", "> - ".repeat(1500)],
] as const)
  test(`3,000 nested ${what} don't stop the page`, async ({ script: { chat, model } }) => {
    await chat.say("Hello");
    const turn = await model.turn();
    for (let i = 0; i < text.length; i += 1500) turn.say(text.slice(i, i + 1500));
    turn.say("the bottom").end();
    await chat.ended();
    await expect(chat.answer).toContainText("the bottom");
    expect(await chat.lastAnswerText()).toBe(`${text}the bottom`);
    await chat.say("And now?");
    (await model.turn()).say("All is **well**.").end();
    await chat.ended();
    await expect(chat.answer.locator("strong")).toHaveText("well");
  });

test("a long conversation opens at its end, and all of it follows in order", async ({ chat }) => {
  const exchanges = Array.from({ length: 120 }, (_, i) => ({
    question: `Question ${i}`,
    answer: { text: `Answer **${i}**. ${"More text. ".repeat(60)}`, reasoning: "", reasoningSkipped: false, state: "done" },
  }));
  await chat.import(JSON.stringify({ format: "llasta-conversation", version: 1, system: "", dropped: 2, exchanges }));
  await expect(chat.questions.last()).toBeInViewport();
  await expect(chat.exchanges).toHaveCount(120);
  await expect(chat.questions).toHaveText(exchanges.map(({ question }) => question));
  await expect(chat.questions.last()).toBeInViewport();
  await expect(chat.page.locator(".dropped + article .question")).toHaveText("Question 2");
});
