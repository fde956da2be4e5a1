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
    // A browser that translates the page replaces text nodes.
    await chat.answer.evaluate((text) =>
      text.replaceChildren(Object.assign(document.createElement("font"), { textContent: text.textContent })),
    );
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

  test.describe("is copied", () => {
    test.use({ permissions: ["clipboard-read", "clipboard-write"] });

    test("with its lines", async ({ script: { chat, model }, page }) => {
      const text = "An undrawable\n  answer.";
      await chat.say("Hello");
      (await model.turn()).say(text).end();
      await chat.ended();
      await expect(chat.answer).toHaveText("An undrawable answer.");
      const copied = (type: string) =>
        page.evaluate(async (type) => (await (await navigator.clipboard.read())[0]!.getType(type)).text(), type);
      await chat.last.getByRole("button", { name: chat.words.copyAnswer }).click();
      await expect(chat.announcer).toHaveText(chat.words.copied);
      expect(await copied("text/html")).toContain("An undrawable<br>  answer.");
      await chat.answer.evaluate((answer) => getSelection()!.selectAllChildren(answer));
      await page.keyboard.press("ControlOrMeta+c");
      expect(await copied("text/plain")).toBe(text);
    });
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

test.describe("what the page has drawn anew or removed", () => {
  interface Observing extends Window {
    observed: Set<Element>;
  }

  test.beforeEach(async ({ context }) => {
    await context.addInitScript(() => {
      const observed = new Set<Element>();
      (window as unknown as Observing).observed = observed;
      window.ResizeObserver = class extends ResizeObserver {
        override observe(element: Element): void {
          observed.add(element);
          super.observe(element);
        }
        override unobserve(element: Element): void {
          observed.delete(element);
          super.unobserve(element);
        }
      };
    });
  });

  // Firefox keeps an element in memory as long as it is observed.
  test("isn't observed any more", async ({ script: { chat, model }, page }) => {
    const forgotten = () =>
      page.evaluate(() => [...(window as unknown as Observing).observed].filter(({ isConnected }) => !isConnected).length);
    for (const question of ["First", "Second"]) {
      await chat.say(question);
      const turn = await model.turn();
      turn.say("1. A list with $$x$$ and code:\n\n   ```\n");
      for (let i = 0; i < 20; i++) {
        turn.say(`   line ${i}\n`);
        await expect(chat.answer).toContainText(`line ${i}`);
      }
      turn.say("   ```\n").end();
      await chat.ended();
      await expect(chat.answer.locator("math")).toBeVisible();
    }
    await expect.poll(forgotten).toBe(0);
    // What was hidden isn't reported when it is removed.
    await chat.button(chat.words.editAnswer).last().click();
    await chat.button(chat.words.save).click();
    await expect(chat.version).toHaveText("2/2");
    await expect.poll(forgotten).toBe(0);
    await chat.button(chat.words.reset).click();
    await expect.poll(forgotten).toBe(0);
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

test("a page that the browser translates shows all that arrives, and its code and formulas as they were written", async ({
  script: { chat, model },
  page,
}) => {
  // As Google Translate does it: elements of its own in the place of text nodes, again and again.
  const translate = () =>
    page.evaluate(() => {
      const isText = ({ parentElement }: Node) => parentElement!.closest("[translate=no], textarea, script, noscript, font") === null;
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const texts: Text[] = [];
      while (walker.nextNode())
        if (isText(walker.currentNode) && walker.currentNode.nodeValue?.trim()) texts.push(walker.currentNode as Text);
      for (const text of texts) {
        const font = document.createElement("font");
        font.append(document.createElement("font"));
        font.firstElementChild!.append(text.data.toUpperCase());
        text.replaceWith(font);
      }
      document.title = document.title.toUpperCase();
    });
  const label = chat.thinking.locator("summary");
  await chat.say("What is `ls`?");
  const turn = await model.turn();
  turn.think("First");
  await expect(chat.thought).toHaveText("First");
  await translate();
  turn.think(" and more");
  await expect(chat.thought).toHaveText("FIRST and more");
  await translate();
  turn.think(".\n\nThen");
  await expect(chat.thought).toHaveText("FIRST AND MORE.Then");
  // What hasn't changed isn't written again.
  await expect(label).toHaveText(chat.words.thinking.toUpperCase());
  await expect(page).toHaveTitle(/THINKING/);
  turn.say("See `ls -l` and $x$.\n\n```sh\nls -l\n");
  await expect(chat.answer.locator(".code")).toContainText("ls -l");
  await translate();
  turn.say("cd\n```\n\nAnd");
  await expect(chat.answer).toContainText("And");
  await translate();
  turn.say(" so on.\n\n- one\n");
  await expect(chat.answer.locator("li")).toHaveText(["one"]);
  await translate();
  turn.say("- two").end();
  await chat.ended();
  await translate();
  await expect(chat.answer.locator("p")).toHaveText(["SEE ls -l AND x.", "AND SO ON."]);
  await expect(chat.answer.locator("li")).toHaveText(["ONE", "TWO"]);
  await expect(chat.answer.locator("pre")).toHaveText("ls -l\ncd");
  await expect(chat.questions.locator("code")).toHaveText("ls");
});

test("a page that was updated on the server says that a part of it is missing, and goes on", async ({ script: { chat, model }, page }) => {
  let isUpdated = true;
  await page.route(/assets\/(markdownView|temml)-.*/, (route) => (isUpdated ? route.fulfill({ status: 404, body: "" }) : route.continue()));
  await chat.say("Hello");
  const turn = await model.turn();
  turn.say("Some **bold** text.");
  await expect(chat.answer).toHaveText("Some **bold** text.");
  const hint = page.locator(".toast").filter({ hasText: chat.words.partMissing });
  await expect(async () => {
    turn.say(" More.");
    await expect(hint).toBeVisible({ timeout: 200 });
  }).toPass();
  const download = page.waitForEvent("download");
  await hint.getByRole("button").click();
  expect((await download).suggestedFilename()).toContain(".json");
  await expect(hint).toBeHidden();
  await expect(chat.box).toBeFocused();
  isUpdated = false;
  // A later text tries again, though not at once.
  await expect(async () => {
    turn.say(" More.");
    await expect(chat.answer.locator("strong")).toHaveText("bold", { timeout: 200 });
  }).toPass();
  turn.end();
  await chat.ended();
});

test("formulas that can't be loaded show their source, and are drawn in their style once they can be", async ({
  script: { chat, model },
  page,
}) => {
  let isMissing = true;
  await page.route("**/assets/temml-*", (route) => (isMissing ? route.fulfill({ status: 404, body: "" }) : route.continue()));
  await chat.say("Hello");
  const turn = await model.turn();
  for (let i = 0; i < 10; i++) {
    turn.say(`Let $x_${i}$ be.\n\n`);
    await expect(chat.answer).toContainText(`Let x_${i} be.`);
  }
  isMissing = false;
  const formulas = chat.answer.locator("math");
  await expect(async () => {
    turn.say("And $y$. ");
    await expect(formulas.first()).toBeVisible({ timeout: 200 });
  }).toPass();
  await expect(formulas.first()).toHaveCSS("font-feature-settings", '"dtls" 0');
  // Those of finished blocks, too.
  await expect(chat.answer.locator("p").first()).toHaveText("Let x0 be.");
  turn.end();
  await chat.ended();
});
