import type { Locator, Page } from "@playwright/test";
import { fr } from "../src/words/fr.ts";
import { networkName } from "./support/launch.ts";
import { Chat, expect, test } from "./support/test.ts";

test("an answer's tables, lists, code and formulas are drawn", async ({ chat }) => {
  await chat.ask("Show me everything");
  await expect(chat.answer.locator("table th")).not.toHaveCount(0);
  await expect(chat.answer.locator("ol ul li").first()).toBeVisible();
  await expect(chat.answer.locator("figure.code pre").first()).toBeVisible();
  await expect(chat.answer.locator("figure.code .hljs-keyword").first()).toBeVisible();
  await expect(chat.answer.locator("math").first()).toBeVisible();
  await expect(chat.answer.locator("blockquote").first()).toBeVisible();
});

test("links open a new page, and images are links", async ({ script: { chat, model } }) => {
  await chat.say("Hello");
  (await model.turn()).say("[docs](https://example.com/) and ![a cat](https://example.com/cat.png)").end();
  await chat.ended();
  const links = chat.answer.getByRole("link");
  await expect(links).toHaveCount(2);
  for (const link of await links.all()) {
    await expect(link).toHaveAttribute("target", "_blank");
    await expect(link).toHaveAttribute("rel", /noopener/);
  }
  await expect(chat.answer.locator("img")).toHaveCount(0);
  await expect(links.last()).toHaveAttribute("href", "https://example.com/cat.png");
});

test.describe("copying", () => {
  test.use({ permissions: ["clipboard-read", "clipboard-write"] });
  const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

  test("a whole answer is copied as the model wrote it", async ({ chat, page }) => {
    await chat.ask("Show me a table");
    await chat.last.getByRole("button", { name: chat.words.copyAnswer }).click();
    await expect(chat.announcer).toHaveText(chat.words.copied);
    expect(await clipboard(page)).toBe(await chat.lastAnswerText());
  });

  test("an answer that is being continued is copied as far as it is", async ({ script: { chat, model }, page }) => {
    await chat.say("Hello");
    (await model.turn()).say("One, ").end("length");
    await chat.ended();
    await chat.action.click();
    const turn = await model.turn();
    turn.say("**two**, ");
    await expect(chat.answer).toHaveText("One, two,");
    await chat.last.getByRole("button", { name: chat.words.copyAnswer }).click();
    await expect(chat.announcer).toHaveText(chat.words.copied);
    expect(await clipboard(page)).toBe("One, **two**, ");
    turn.end();
    await chat.ended();
  });

  const richText = (page: Page) =>
    page.evaluate(async () => {
      const [item] = await navigator.clipboard.read();
      return (await item!.getType("text/html")).text();
    });

  test("an answer is copied as rich text too, without the page's own buttons", async ({ script: { chat, model }, page }) => {
    await chat.say("Hello");
    (await model.turn()).say("Some **bold** text.\n\n```python\nprint(1)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |").end();
    await chat.ended();
    await chat.last.getByRole("button", { name: chat.words.copyAnswer }).click();
    await expect(chat.announcer).toHaveText(chat.words.copied);
    const html = await richText(page);
    expect(html).toContain("<strong>bold</strong>");
    expect(html).toContain("<td>2</td>");
    expect(html).not.toMatch(/button|class=|python/);
  });

  test("a selection is copied with its formulas as TeX", async ({ script: { chat, model }, page }) => {
    await chat.say("Hello");
    (await model.turn()).say("With $x^2$ and\n\n$$\n\\frac{a}{b}\n$$\n\nand so on.").end();
    await chat.ended();
    await expect(chat.answer.locator("math")).toHaveCount(2);
    await chat.answer.evaluate((answer) => getSelection()!.selectAllChildren(answer));
    await page.keyboard.press("ControlOrMeta+c");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied.replace(/\s*\n\s*/g, "\n").trim()).toBe("With $x^2$ and\n$$\\frac{a}{b}$$\nand so on.");
    await chat.last.evaluate((exchange) => getSelection()!.selectAllChildren(exchange));
    await page.keyboard.press("ControlOrMeta+c");
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/Hello[^]*With \$x\^2\$ and/);
  });

  test.describe("in the dark theme", () => {
    test.use({ colorScheme: "dark" });

    test("a selection is copied without the page's colours and labels", async ({ script: { chat, model }, page }) => {
      await chat.say("Hello,\nyou");
      (await model.turn())
        .say("Some **bold** text.\n\n1. one\n2. two\n3. three\n\n```python\nif x:\n    print(1)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |")
        .end();
      await chat.ended();
      await chat.answer.evaluate((answer) => getSelection()!.selectAllChildren(answer));
      await page.keyboard.press("ControlOrMeta+c");
      const html = await richText(page);
      expect(html).toContain("<strong>bold</strong>");
      expect(html).toContain("<li>one</li>");
      expect(html).toContain("<td>2</td>");
      expect(html).not.toMatch(/style=|class=|color|font|python/);
      expect((await clipboard(page)).replace(/\s*\n/g, "\n").trim()).toBe(
        "Some bold text.\none\ntwo\nthree\nif x:\n    print(1)\na\tb\n1\t2",
      );
      // A selection that begins in the question.
      await chat.last.evaluate((exchange) => getSelection()!.selectAllChildren(exchange));
      await page.keyboard.press("ControlOrMeta+c");
      expect(await richText(page)).toMatch(/Hello,<br>you[^]*<strong>bold<\/strong>/);
      expect(await richText(page)).not.toMatch(/style=|class=|color|font|python/);
      expect(await clipboard(page)).toMatch(/Hello,\n *you[^]*Some bold text\./);
    });

    test("a part of a list is copied as a list, a part of a line as words, and code as text alone", async ({
      script: { chat, model },
      page,
    }) => {
      await chat.say("Hello");
      (await model.turn()).say("Some **bold** text.\n\n4. one\n5. two\n6. three\n\n```python\nif x:\n    print(1)\n```").end();
      await chat.ended();
      const copy = async (first: string, last = first) => {
        await chat.answer.evaluate(
          (answer, [first, last]) => {
            const [start, end] = [answer.querySelector(first!)!, answer.querySelector(last!)!];
            getSelection()!.setBaseAndExtent(start, 0, end, end.childNodes.length);
          },
          [first, last],
        );
        await page.keyboard.press("ControlOrMeta+c");
      };
      await copy("li:nth-child(2)", "li:nth-child(3)");
      expect(await richText(page)).toMatch(/<ol[^>]*><li>two<\/li><li>three<\/li><\/ol>/);
      expect((await clipboard(page)).trim()).toBe("two\nthree");
      await copy("strong");
      expect(await richText(page)).toBe("bold");
      await copy("pre code");
      expect(await clipboard(page)).toBe("if x:\n    print(1)");
      expect(await page.evaluate(async () => (await navigator.clipboard.read())[0]!.types)).toEqual(["text/plain"]);
    });
  });

  test("what isn't shown isn't copied with a selection", async ({ script: { chat, model }, page }) => {
    await chat.say("Hello");
    (await model.turn()).think("A secret thought.").say("**Answer** with $x^2$.").end();
    await chat.ended();
    await expect(chat.answer.locator("math")).toHaveCount(1);
    await expect(chat.thought).toBeHidden();
    await chat.last.evaluate((exchange) => getSelection()!.selectAllChildren(exchange));
    await page.keyboard.press("ControlOrMeta+c");
    expect(await richText(page)).toMatch(/Hello[^]*<strong>Answer<\/strong>/);
    expect(await richText(page)).not.toContain("secret");
    expect(await clipboard(page)).not.toContain("secret");

    // An answer that is being edited is hidden.
    await chat.button(chat.words.editAnswer).click();
    await chat.last.getByRole("textbox").fill("An edited answer");
    await page.evaluate(() => getSelection()!.selectAllChildren(document.body));
    await page.locator("main").focus();
    await page.keyboard.press("ControlOrMeta+c");
    expect(await richText(page)).toContain("Hello");
    expect(await richText(page)).not.toMatch(/secret|<strong>|edited answer|dialog|noscript|<(textarea|input|select)/);
    expect(await richText(page)).not.toContain(chat.words.thisConversation);
    expect(await clipboard(page)).not.toMatch(/secret|x\^2/);
  });

  test("the lines of a thought are copied with a selection", async ({ script: { chat, model }, page }) => {
    await chat.say("Hello");
    (await model.turn()).think("1. First\n  2. Second\n\nThen\nmore.").say("Hi.").end();
    await chat.ended();
    await chat.thinking.locator("summary").click();
    await expect(chat.thought).toBeVisible();
    await chat.thought.evaluate((thought) => getSelection()!.selectAllChildren(thought));
    await page.keyboard.press("ControlOrMeta+c");
    expect(await clipboard(page)).toBe("1. First\n  2. Second\n\nThen\nmore.");
    await chat.last.evaluate((exchange) => getSelection()!.selectAllChildren(exchange));
    await page.keyboard.press("ControlOrMeta+c");
    expect(await clipboard(page)).toMatch(/1\. First\n {2}2\. Second\n+Then\nmore\.\n+Hi\./);
    expect(await richText(page)).toContain("<p>1. First<br>  2. Second</p><p>Then<br>more.</p>");
  });

  test("a table is copied as tab-separated values", async ({ script: { chat, model }, page }) => {
    await chat.say("Hello");
    (await model.turn()).say("| Name | Value |\n|---|---:|\n| **a** | 1 |\n| b  c | `2` |\n\nDone.").end();
    await chat.ended();
    await chat.answer.getByRole("button", { name: chat.words.copyTable }).click();
    await expect(chat.announcer).toHaveText(chat.words.copied);
    expect(await clipboard(page)).toBe("Name\tValue\na\t1\nb c\t2");
  });

  test("a question is copied as it was sent", async ({ chat, page }) => {
    await chat.ask("Line one\n  line two");
    await chat.last.getByRole("button", { name: chat.words.copyQuestion }).click();
    await expect(chat.announcer).toHaveText(chat.words.copied);
    expect(await clipboard(page)).toBe("Line one\n  line two");
  });

  test("a code block is copied on its own", async ({ script: { chat, model }, page }) => {
    await chat.say("Hello");
    const code = 'def f(x):\n    return x < 1 and "&amp;"\n';
    (await model.turn()).say(`Look:\n\n\`\`\`python\n${code}\`\`\`\n\nDone.`).end();
    await chat.ended();
    await chat.answer.getByRole("button", { name: chat.words.copyCode }).click();
    await expect(chat.announcer).toHaveText(chat.words.copied);
    expect((await clipboard(page)).trimEnd()).toBe(code.trimEnd());
  });
});

test("copying works over plain http from the network, where browsers have no clipboard API", async ({ page, sim, start, model }) => {
  void model;
  const web = await start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1`, "Chat:AllowedHosts": networkName });
  const chat = new Chat(page);
  await chat.open(web.url.replace("127.0.0.1", networkName));
  expect(await page.evaluate(() => [isSecureContext, "clipboard" in navigator])).toEqual([false, false]);
  await chat.ask("Hello");
  await chat.last.getByRole("button", { name: chat.words.copyAnswer }).click();
  await expect(chat.announcer).toHaveText(chat.words.copied);
  await chat.box.focus();
  await page.keyboard.press("ControlOrMeta+V");
  await expect(chat.box).toHaveValue(/To talk to a real model/);
});

test.describe("scrolling", () => {
  const paragraph = `${"A line of the answer. ".repeat(30)}\n\n`;
  const top = (page: Page) => page.evaluate(() => scrollY);
  const toEnd = (page: Page) => page.evaluate(() => Math.round(document.documentElement.scrollHeight - innerHeight - scrollY));

  test("the end stays in view until the reader scrolls up with the wheel, and again after the End key", async ({
    script: { chat, model },
    page,
  }) => {
    await chat.say("Hello");
    const turn = await model.turn();
    turn.say(paragraph.repeat(8));
    await expect(chat.answer.locator("p")).toHaveCount(8);
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
    await expect(chat.toEnd).toBeHidden();

    await page.mouse.move(500, 300);
    await page.mouse.wheel(0, -300);
    await expect(chat.toEnd).toBeVisible();
    await expect.poll(() => toEnd(page)).toBeGreaterThan(200);
    const stays = await top(page);
    turn.say(paragraph.repeat(4));
    await expect(chat.answer.locator("p")).toHaveCount(12);
    expect(await top(page)).toBe(stays);

    await page.locator("main").click();
    await page.keyboard.press("End");
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
    await expect(chat.toEnd).toBeHidden();
    turn.say(paragraph.repeat(4));
    await expect(chat.answer.locator("p")).toHaveCount(16);
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
    turn.end();
  });

  test("Page Up stops following, and the button returns to the end", async ({ script: { chat, model }, page }) => {
    await chat.say("Hello");
    const turn = await model.turn();
    turn.say(paragraph.repeat(8));
    await expect(chat.answer.locator("p")).toHaveCount(8);
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
    await page.locator("main").click({ position: { x: 5, y: 5 } });
    await page.keyboard.press("PageUp");
    await expect(chat.toEnd).toBeVisible();
    await expect.poll(() => toEnd(page)).toBeGreaterThan(200);
    turn.say(paragraph.repeat(4));
    await expect(chat.answer.locator("p")).toHaveCount(12);
    await expect(chat.toEnd).toBeVisible();
    await chat.toEnd.click();
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
    turn.end();
    await chat.ended();
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
  });

  test("one step of the wheel stops following: the next words don't scroll back", async ({ script: { chat, model }, page }) => {
    await chat.say("Hello");
    const turn = await model.turn();
    turn.say(paragraph.repeat(8));
    await expect(chat.answer.locator("p")).toHaveCount(8);
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
    await page.mouse.move(500, 300);
    await page.mouse.wheel(0, -10);
    await expect(chat.toEnd).toBeVisible();
    turn.say(paragraph.repeat(4));
    await expect(chat.answer.locator("p")).toHaveCount(12);
    expect(await toEnd(page)).toBeGreaterThan(100);
    turn.end();
  });

  test("scrolling a long draft or the settings, and zooming with the wheel, don't stop following", async ({
    script: { chat, model },
    page,
  }) => {
    await page.setViewportSize({ width: 1100, height: 450 });
    await chat.say("Hello");
    const turn = await model.turn();
    turn.say(paragraph.repeat(8));
    await expect(chat.answer.locator("p")).toHaveCount(8);
    const wheelUpOver = async (box: Locator) => {
      await box.evaluate((box) => box.scrollTo(0, box.scrollHeight));
      const before = await box.evaluate((box) => box.scrollTop);
      expect(before).toBeGreaterThan(0);
      await box.hover({ position: { x: 20, y: 60 } });
      await page.mouse.wheel(0, -20);
      await expect.poll(() => box.evaluate((box) => box.scrollTop)).toBeLessThan(before);
    };
    await chat.box.fill("A line\n".repeat(40));
    await wheelUpOver(chat.box);
    // Playwright's click would scroll the page first.
    await chat.button(chat.words.settings).dispatchEvent("click");
    await wheelUpOver(chat.settings);
    await page.keyboard.press("Escape");
    await page.evaluate(() => document.body.dispatchEvent(new WheelEvent("wheel", { deltaY: -20, ctrlKey: true, bubbles: true })));
    turn.say(paragraph.repeat(4));
    await expect(chat.answer.locator("p")).toHaveCount(12);
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
    await expect(chat.toEnd).toBeHidden();
    turn.end();
  });

  test("the end stays in view when the window gets higher or lower, as with a touch keyboard", async ({
    script: { chat, model },
    page,
  }) => {
    await chat.say("Hello");
    const turn = await model.turn();
    turn.say(paragraph.repeat(8));
    await expect(chat.answer.locator("p")).toHaveCount(8);
    for (const height of [450, 900]) {
      await page.setViewportSize({ width: 1100, height });
      await expect.poll(() => page.evaluate(() => innerHeight)).toBe(height);
      await expect.poll(() => toEnd(page)).toBeLessThan(2);
      await expect(chat.toEnd).toBeHidden();
    }
    turn.say(paragraph.repeat(4));
    await expect(chat.answer.locator("p")).toHaveCount(12);
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
    turn.end();
    await chat.ended();
    await page.setViewportSize({ width: 1100, height: 450 });
    await expect.poll(() => page.evaluate(() => innerHeight)).toBe(450);
    await expect.poll(() => toEnd(page)).toBeLessThan(2);
  });
});

test("selected text stays selected and in place while the answer grows", async ({ script: { chat, model }, page }) => {
  const paragraph = `${"A line of the answer. ".repeat(30)}`;
  const selected = () => page.evaluate(() => getSelection()!.toString());
  await chat.say("Hello");
  const turn = await model.turn();
  turn.say(`${`${paragraph}\n\n`.repeat(8)}The growing one.`);
  await expect(chat.answer.locator("p")).toHaveCount(9);
  const growing = chat.answer.locator("p").last();
  await growing.selectText();
  await expect(chat.toEnd).toBeVisible();
  expect(await selected()).toBe("The growing one.");
  const top = await page.evaluate(() => scrollY);
  turn.say(` ${paragraph}\n\n${paragraph}`);
  // The text has arrived: the model may end, and the page knows it, before it is drawn.
  await page.waitForTimeout(0);
  await expect.poll(selected).toBe("The growing one.");
  expect(await page.evaluate(() => scrollY)).toBe(top);
  await page.evaluate(() => getSelection()!.empty());
  await expect(chat.answer.locator("p")).toHaveCount(10);
  turn.end();
});

test("paging up through a long answer shows every paragraph", async ({ script: { chat, model }, page }) => {
  test.slow();
  await chat.say("Hello");
  const turn = await model.turn();
  const count = 240;
  for (let i = 0; i < count; i++) turn.say(`Paragraph number ${i}. ${"Some more words of it. ".repeat(10)}\n\n`);
  turn.end();
  await chat.ended();
  await expect(chat.answer.locator("p")).toHaveCount(count);
  await chat.box.blur();
  /** The numbers of the first and the last paragraph in the window. */
  const inView = () =>
    page.evaluate(() => {
      const seen = [...document.querySelectorAll(".prose p")].filter((p) => {
        const { top, bottom } = p.getBoundingClientRect();
        return p.checkVisibility({ contentVisibilityAuto: true }) && bottom > 60 && top < innerHeight - 120;
      });
      return [seen[0], seen.at(-1)].map((p) => Number(/\d+/.exec(p?.textContent ?? "")?.[0] ?? Number.NaN)) as [number, number];
    });
  let [first] = await inView();
  for (let pages = 0; first > 0 && pages < 200; pages++) {
    const before = await page.evaluate(() => scrollY);
    await page.keyboard.press("PageUp");
    await expect.poll(() => page.evaluate(() => scrollY)).toBeLessThan(before);
    // A smooth scroll has ended when the position stays.
    await expect(async () => {
      const y = await page.evaluate(() => scrollY);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      expect(await page.evaluate(() => scrollY)).toBe(y);
    }).toPass();
    const [next, last] = await inView();
    expect(last, `after paragraph ${first} comes ${last}`).toBeGreaterThanOrEqual(first - 1);
    expect(next).toBeLessThan(first);
    first = next;
  }
  expect(first).toBe(0);
});

test("Settings closes on a click outside, but not on its own padding or after a drag", async ({ chat, page }) => {
  const open = async () => {
    await chat.button(chat.words.settings).click();
    return (await chat.settings.boundingBox())!;
  };
  const { x, y, width } = await open();
  await page.mouse.click(x + 4, y + 40);
  await expect(chat.settings).toBeVisible();
  await page.mouse.move(x + width / 2, y + 150);
  await page.mouse.down();
  await page.mouse.move(x - 40, y + 150);
  await page.mouse.up();
  await expect(chat.settings).toBeVisible();
  await page.mouse.click(x - 40, y + 40);
  await expect(chat.settings).toBeHidden();
});

test("the tab's title shows the state of the turn", async ({ script: { chat, model }, page }) => {
  await expect(page).toHaveTitle(chat.words.name);
  await chat.say("Hello");
  const turn = await model.turn();
  turn.think("Hm");
  await expect(page).toHaveTitle(`${chat.words.titles.thinking} · ${chat.words.name}`);
  turn.say("Hi");
  await expect(page).toHaveTitle(`${chat.words.titles.answering} · ${chat.words.name}`);
  turn.end();
  await expect(page).toHaveTitle(chat.words.name);
});

test("an active system prompt is in sight, and written in its own direction", async ({ chat, page }) => {
  await chat.button(chat.words.settings).click();
  const system = chat.settings.getByRole("textbox", { name: chat.words.system });
  await system.fill("أجب بإيجاز.");
  await expect(system).toHaveCSS("direction", "rtl");
  await system.fill("Be brief.");
  await expect(system).toHaveCSS("direction", "ltr");
  await page.keyboard.press("Escape");
  await expect(chat.button(`${chat.words.system}: Be brief.`)).toBeVisible();
  await chat.ask("Hello");
  await expect(chat.button(`${chat.words.system}: Be brief.`)).toBeVisible();
});

test("the message box fits its text when the window gets narrower", async ({ chat, page }) => {
  await chat.box.fill("Some words that fill a line of the box. ".repeat(8));
  await page.setViewportSize({ width: 400, height: 800 });
  await expect.poll(() => chat.box.evaluate((box) => box.scrollHeight - box.clientHeight)).toBeLessThanOrEqual(1);
});

test("in a low window the bars scroll with the page", async ({ chat, page }) => {
  await page.setViewportSize({ width: 320, height: 256 });
  await chat.ask("Hello");
  for (const bar of [".masthead", ".desk"]) await expect(page.locator(bar)).toHaveCSS("position", "static");
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
});

test("on paper the page is light and whole, without bars and buttons", async ({ chat, page }) => {
  await page.emulateMedia({ colorScheme: "dark", media: "screen" });
  await chat.ask(`Show me everything ${"verylongword".repeat(30)}`);
  await chat.button(chat.words.editAnswer).click();
  await page.emulateMedia({ colorScheme: "dark", media: "print" });
  await expect(chat.answer).toBeVisible();
  await expect(page.locator(".answer-editor")).toBeHidden();
  await expect(page.locator(".masthead")).toHaveCSS("position", "static");
  await expect(page.locator("html")).toHaveCSS("color-scheme", "light");
  // The number of a footnote is a button, and stays.
  for (const button of await page.getByRole("button").and(page.locator(":not(.reference > *)")).all()) await expect(button).toBeHidden();
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll(".code pre, .table .scroller, .prose p, .prose li, .question")]
      .filter((box) => box.scrollWidth > box.clientWidth + 1)
      .map((box) => box.outerHTML.slice(0, 80)),
  );
  expect(cut).toEqual([]);
});

test.describe("on a touch screen", () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 780 } });

  test("Enter is a new line, and the button sends", async ({ script: { chat, model } }) => {
    await expect(chat.box).toHaveAttribute("enterkeyhint", "enter");
    await chat.box.tap();
    await chat.box.pressSequentially("one");
    await chat.box.press("Enter");
    await chat.box.pressSequentially("two");
    await chat.send.tap();
    const turn = await model.turn();
    expect(turn.messages).toEqual([{ role: "user", content: "one\ntwo" }]);
    turn.say("Hi").end();
    await chat.ended();
    await chat.button(chat.words.reset).tap();
    await expect(chat.box).not.toBeFocused();
  });

  test("no field or menu has letters so small that iOS zooms in on it", async ({ script: { chat, model }, page }) => {
    await page.route("**/api/model*", (route) =>
      route.fulfill({ json: { state: "ready", model: "a", models: ["a", "b"], simulated: false } }),
    );
    await chat.box.fill("Hello");
    await chat.send.tap();
    (await model.turn()).say("Hi").end();
    await chat.ended();
    await chat.last.getByRole("button", { name: chat.words.regenerateWithWish }).tap();
    await chat.last.getByRole("button", { name: chat.words.editAnswer }).tap();
    await expect(page.getByRole("combobox", { name: chat.words.chooseModel })).toBeVisible();
    const sizes = await page.evaluate(() =>
      [...document.querySelectorAll("textarea, select, input:not([type=radio], [type=checkbox], [type=file])")].map((field) =>
        Number.parseFloat(getComputedStyle(field).fontSize),
      ),
    );
    expect(sizes.length).toBeGreaterThan(10);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(16);
  });
});

test("everything can be done with the keyboard alone", async ({ chat, page, model }) => {
  const { words } = chat;
  const tabTo = async (name: string) => {
    for (let i = 0; i < 40; i++) {
      const label = await page.evaluate(() => document.activeElement?.ariaLabel || document.activeElement?.textContent || "");
      if (label === name) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`Tab never comes to ${name}`);
  };
  await expect(chat.box).toBeFocused();
  await page.keyboard.type("Hello");
  await page.keyboard.press("Enter");
  await chat.ended();
  await expect(chat.box).toBeFocused();

  await tabTo(words.regenerate);
  await page.keyboard.press("Enter");
  await expect.poll(async () => (await model.requests()).length).toBe(2);
  await chat.ended();

  await tabTo(words.edit);
  await page.keyboard.press("Space");
  await expect(chat.box).toBeFocused();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("Hello again");
  await page.keyboard.press("Enter");
  await chat.ended();
  await expect(chat.questions).toHaveText(["Hello again"]);

  await tabTo(words.settings);
  await page.keyboard.press("Enter");
  await expect(chat.settings).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(chat.settings).toBeHidden();
  await expect(chat.button(words.settings)).toBeFocused();

  await tabTo(words.reset);
  await page.keyboard.press("Enter");
  await expect(chat.exchanges).toHaveCount(0);
  await expect(chat.box).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await tabTo(words.undo);
  await page.keyboard.press("Enter");
  await expect(chat.questions).toHaveText(["Hello again"]);
  await expect(chat.box).toBeFocused();

  await model.set({ QueueDelay: "00:15:00" });
  await page.keyboard.type("Never mind");
  await page.keyboard.press("Enter");
  await expect(chat.stop).toBeVisible();
  await page.keyboard.press("Escape");
  await chat.ended();
  await expect(chat.box).toHaveValue("Never mind");
});

test("the first tab stop of the page leads to the message box", async ({ chat, page }) => {
  await chat.button(chat.words.settings).focus();
  await page.keyboard.press("Shift+Tab");
  await expect(page.getByRole("link", { name: chat.words.skipToMessage })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(chat.box).toBeFocused();
});

test.describe("in a French browser", () => {
  test.use({ locale: "fr-CH" });
  test("the page is French, and declares it", async ({ page, web, model }) => {
    void model;
    await page.goto(web.url);
    await expect(page.locator("html")).toHaveAttribute("lang", "fr");
    await expect(page.getByRole("heading", { name: fr.emptyTitle })).toBeVisible();
    await page.getByRole("textbox", { name: fr.message }).fill("Bonjour");
    await page.getByRole("button", { name: fr.send }).click();
    await expect(page.locator(".figures")).toContainText("jetons");
    await expect(page.getByRole("button", { name: fr.reset, exact: true })).toBeVisible();
  });
});

test.describe("in a browser of another language", () => {
  test.use({ locale: "ja-JP" });
  test("the page is English", async ({ chat, page }) => {
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
    await expect(page.getByRole("heading", { name: chat.words.emptyTitle })).toBeVisible();
  });
});

test.describe("appearance", () => {
  const background = (page: Page) =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor || getComputedStyle(document.body).backgroundColor);
  const lightness = async (page: Page) => {
    const element = await background(page);
    return page.evaluate((colour) => {
      const context = document.createElement("canvas").getContext("2d")!;
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
      return (r! + g! + b!) / 3;
    }, element);
  };

  test("light or dark follows the system unless the reader chooses; the choice is kept", async ({ chat, page }) => {
    await expect.poll(() => lightness(page)).toBeGreaterThan(200);
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(() => lightness(page)).toBeLessThan(60);
    await chat.button(chat.words.settings).click();
    await chat.settings.getByRole("radio", { name: chat.words.themes.light }).check();
    await expect.poll(() => lightness(page)).toBeGreaterThan(200);
    await page.reload();
    await expect.poll(() => lightness(page)).toBeGreaterThan(200);
    await chat.button(chat.words.settings).click();
    await expect(chat.settings.getByRole("radio", { name: chat.words.themes.light })).toBeChecked();
    await chat.settings.getByRole("radio", { name: chat.words.themes.auto }).check();
    await expect.poll(() => lightness(page)).toBeLessThan(60);
  });

  test("nothing is animated for readers who prefer reduced motion", async ({ script: { chat, model }, page }) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await chat.say("Hello");
    const turn = await model.turn();
    turn.think("Hm");
    await expect(chat.thought).toHaveText("Hm");
    const moving = () =>
      page.evaluate(() => document.getAnimations().filter(({ effect }) => Number(effect?.getComputedTiming().duration) > 10).length);
    expect(await moving()).toBe(0);
    turn.say("Hello");
    await expect(chat.answer).toHaveText("Hello");
    expect(await moving()).toBe(0);
    turn.end();
  });
});

for (const width of [320, 390, 768, 1920])
  test(`at ${width} px nothing is wider than the screen, whatever the answer`, async ({ chat, page, model }) => {
    void model;
    await page.setViewportSize({ width, height: 700 });
    await chat.ask(`Show me everything ${"verylongword".repeat(30)}`);
    await expect(chat.answer.locator("math").first()).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
    await expect(chat.box).toBeInViewport();
    await chat.button(chat.words.settings).click();
    await expect(chat.settings).toBeInViewport({ ratio: 0.9 });
  });

for (const [what, width, fontSize] of [
  ["at 320 px", 320, "16px"],
  ["at 390 px with text twice as large", 390, "32px"],
] as const)
  test(`${what} the message box contains its buttons, and the skip link is out of sight`, async ({ script: { chat, model }, page }) => {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate((size) => document.documentElement.style.setProperty("font-size", size), fontSize);
    await chat.say("Hello");
    const turn = await model.turn();
    turn.say("Hi");
    // All that can be there: the switch, the gauge, Send and Stop.
    await page.locator(".gauge").evaluate((gauge) => {
      gauge.removeAttribute("hidden");
      gauge.querySelector(".text")!.textContent = "100%";
    });
    await chat.box.fill("The next message");
    await expect(chat.button(chat.words.enqueue)).toBeVisible();
    const outside = () =>
      page.evaluate(() => {
        const sheet = document.querySelector(".sheet")!.getBoundingClientRect();
        return [...document.querySelectorAll(".bar button, .gauge")]
          .filter((part) => part.getBoundingClientRect().right > sheet.right || part.getBoundingClientRect().bottom > sheet.bottom)
          .map((part) => part.className);
      });
    await expect.poll(outside).toEqual([]);
    expect(await page.locator(".skip").evaluate((skip) => skip.getBoundingClientRect().bottom)).toBeLessThanOrEqual(0);
    turn.end();
    await chat.ended();
  });

for (const fontSize of ["24px", "32px"])
  test(`at 360 px with text of ${fontSize} the dialogs don't scroll sideways`, async ({ chat, page }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.evaluate((size) => document.documentElement.style.setProperty("font-size", size), fontSize);
    const dialog = page.locator("dialog[open]");
    const tooWide = () => dialog.evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
    await chat.button(chat.words.settings).click();
    await dialog.getByText(chat.words.samplingTitle).click();
    await expect(dialog.getByRole("spinbutton").first()).toBeVisible();
    expect(await tooWide()).toBe(0);
    await chat.button(chat.words.shortcuts).click();
    await expect(dialog.locator("kbd").first()).toBeVisible();
    expect(await tooWide()).toBe(0);
  });

test("a swipe over what is wide doesn't go back in the browser's history", async ({ script: { chat, model }, page }) => {
  const wide = "word ".repeat(100);
  await chat.say(`\`\`\`\n${wide}\n\`\`\``);
  (await model.turn()).say(`\`\`\`\n${wide}\n\`\`\`\n\n|${"column|".repeat(30)}\n|${"-|".repeat(30)}\n\n$$${"x + ".repeat(100)}y$$`).end();
  await chat.ended();
  const wideOnes = () =>
    page.evaluate(() =>
      [...document.querySelectorAll("article *")]
        .filter((element) => element.scrollWidth > element.clientWidth && /auto|scroll/.test(getComputedStyle(element).overflowX))
        .map((element) => getComputedStyle(element).overscrollBehaviorX),
    );
  await expect.poll(wideOnes).toEqual(["contain", "contain", "contain", "contain"]);
});

test("at 320 px the names of several models make room for the state of the model", async ({ chat, page }) => {
  const models = ["a", "b"].map((name) => `${name}/A-Model-with-a-long-name-of-many-parts`);
  await page.route("**/api/model*", (route) =>
    route.fulfill({ json: { state: "unreachable", model: models[0], models, simulated: false } }),
  );
  await page.setViewportSize({ width: 320, height: 700 });
  await page.reload();
  await expect(chat.pill).toContainText(chat.words.modelStates.unreachable);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
  const right = await chat.pill.locator(".state").evaluate((state) => state.getBoundingClientRect().right);
  expect(right).toBeLessThanOrEqual(320);
});
