import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import type { AxeResults } from "axe-core";
import { expect, test } from "./support/test.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function expectNoViolation(page: Page): Promise<void> {
  // Contrast can't be measured halfway through a transition; endless animations are measured where they are faintest.
  await page.evaluate(() => {
    for (const animation of document.getAnimations()) {
      const { iterations, duration } = animation.effect!.getComputedTiming();
      if (iterations !== Infinity) continue;
      animation.pause();
      animation.currentTime = Number(duration) / 2;
    }
  });
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter(({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime))
        .map(({ finished }) => finished.catch(() => {})),
    ),
  );
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
  expect(violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`) }))).toEqual(
    [],
  );
}

const screens = {
  light: { colorScheme: "light", viewport: { width: 1100, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1100, height: 800 } },
  "phone, light": { colorScheme: "light", viewport: { width: 390, height: 750 } },
  "phone, dark": { colorScheme: "dark", viewport: { width: 390, height: 750 } },
} as const;

for (const [screen, use] of Object.entries(screens))
  test.describe(`axe finds no violation (${screen})`, () => {
    test.use(use);

    test("on an empty page", async ({ chat, page }) => {
      await expect(chat.pill).toHaveAttribute("data-state", "ready");
      await expectNoViolation(page);
    });

    test("while it thinks and while it answers", async ({ script: { chat, model }, page }) => {
      await chat.say("Hello");
      const turn = await model.turn();
      turn.think("Let me see.\n\nThe user says hello.");
      await expect(chat.thought).toContainText("The user says hello.");
      await expectNoViolation(page);
      turn.say("Hello, **you**. `code`\n\n```python\nprint(1)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |");
      await expect(chat.answer.locator("td")).toHaveCount(2);
      await expectNoViolation(page);
      turn.end();
    });

    test("on an answer with all kinds of blocks", async ({ chat, page }) => {
      await chat.ask("Show me everything");
      await expect(chat.answer.locator("math").first()).toBeVisible();
      await expect(chat.answer.locator(".hljs-keyword").first()).toBeVisible();
      await chat.thinking.locator("summary").click();
      await expectNoViolation(page);
    });

    test("on an error, on a waiting message and on a returned draft", async ({ chat, page, model }) => {
      await model.set({ Fault: "Unauthorized" });
      await chat.ask("Hello");
      await chat.expectNote(chat.words.states["model-auth"], chat.words.tryAgain);
      await expectNoViolation(page);
      await model.set({ Fault: "Refuse" });
      await chat.action.click();
      await chat.expectNote(chat.words.waitingUnreachable, chat.words.tryNow);
      await expectNoViolation(page);
      await chat.stop.click();
      await chat.ended();
      await expect(chat.notice).toHaveText(chat.words.draftBack);
      await expectNoViolation(page);
    });

    test("in the settings, while editing and after Reset", async ({ chat, page }) => {
      await chat.button(chat.words.settings).click();
      await expect(chat.settings).toBeVisible();
      await expectNoViolation(page);
      await page.keyboard.press("Escape");
      await chat.ask("Hello");
      await chat.button(chat.words.edit).click();
      await expectNoViolation(page);
      await chat.button(chat.words.reset).click();
      await expect(chat.button(chat.words.undo)).toBeVisible();
      await expectNoViolation(page);
    });
  });

test("Send stays at the end of the box where there is no thinking switch", async ({ page, script: { chat } }) => {
  const gapAtTheEnd = async () => {
    const [bar, send] = await Promise.all([page.locator(".bar").boundingBox(), chat.send.boundingBox()]);
    return bar!.x + bar!.width - send!.x - send!.width;
  };
  await expect(chat.button(chat.words.think)).toBeVisible();
  expect(await gapAtTheEnd()).toBeLessThan(20);
  await page.route("**/api/model*", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), thinking: false } });
  });
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await expect(chat.button(chat.words.think)).toBeHidden();
  expect(await gapAtTheEnd()).toBeLessThan(20);
});

test("in forced colours the focus, the switch and the gauge can be seen", async ({ chat, page }) => {
  await page.emulateMedia({ forcedColors: "active" });
  await chat.ask("Hello");
  await chat.box.focus();
  await expect(page.locator(".sheet")).toHaveCSS("outline-style", "solid");
  const think = chat.button(chat.words.think);
  const ground = () => think.evaluate((button) => getComputedStyle(button).backgroundColor);
  const on = await ground();
  await chat.think(false);
  expect(await ground()).not.toBe(on);
  await expect(page.locator(".gauge .track")).toHaveCSS("border-top-style", "solid");
  await expect(page.locator(".pill .dot")).toHaveCSS("border-top-style", "solid");
});

test("the focus stays where it is, whatever an action does with its button", async ({ script: { chat, model }, page }) => {
  const { words } = chat;
  const press = async (name: string, key = "Enter") => {
    await chat.last.getByRole("button", { name, exact: true }).focus();
    await page.keyboard.press(key);
  };
  const expectFocus = (name: string) => expect(chat.last.getByRole("button", { name, exact: true })).toBeFocused();
  await chat.say("Hello");
  (await model.turn()).say("One").end();
  await chat.ended();

  await press(words.editAnswer);
  await expect(chat.page.getByRole("textbox", { name: words.editAnswer })).toBeFocused();
  await page.keyboard.press("Escape");
  await expectFocus(words.editAnswer);
  await press(words.regenerateWithWish);
  await press(words.cancel);
  await expectFocus(words.regenerateWithWish);
  await press(words.leaveOut);
  await expectFocus(words.takeIn);
  await page.keyboard.press("Enter");
  await expectFocus(words.leaveOut);

  await press(words.regenerate);
  const turn = await model.turn();
  await expect(chat.box).toBeFocused();
  turn.say("Two");
  await expect(chat.answer).toHaveText("Two");
  await chat.last.getByRole("button", { name: words.copyQuestion }).focus();
  turn.end();
  await chat.ended();
  await expectFocus(words.copyQuestion);
  await press(words.earlierVersion);
  await expect(chat.answer).toHaveText("One");
  await expectFocus(words.earlierVersion);
  await press(words.laterVersion);
  await expect(chat.answer).toHaveText("Two");
  await expectFocus(words.laterVersion);

  await press(words.editAnswer);
  await expect(chat.page.getByRole("textbox", { name: words.editAnswer })).toBeFocused();
  await press(words.save);
  await expect(chat.version).toHaveText("3/3");
  await expectFocus(words.editAnswer);
});

test("the focus goes to the message box when the button that has it is no longer needed", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  const turn = await model.turn();
  turn.think("Hm.");
  await chat.button(chat.words.answerNow).focus();
  turn.say("One");
  await expect(chat.answer).toHaveText("One");
  await expect(chat.box).toBeFocused();
  turn.cut();
  await chat.expectNote(chat.words.resuming, chat.words.tryNow);
  await chat.action.focus();
  (await model.turn()).say(" and two.").end();
  await chat.ended();
  await expect(chat.box).toBeFocused();

  await chat.button(chat.words.regenerate).click();
  await chat.box.fill("A draft");
  await chat.button(chat.words.enqueue).focus();
  (await model.turn()).say("Three").end();
  await chat.ended();
  await expect(chat.box).toBeFocused();

  await chat.button(chat.words.regenerate).click();
  await chat.button(chat.words.undo).focus();
  (await model.turn()).end();
  await expect(chat.notice).toContainText(chat.words.answerRestored);
  await expect(chat.button(chat.words.undo)).toBeHidden();
  await expect(chat.box).toBeFocused();
});
