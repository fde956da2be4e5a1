import { expect, test } from "./support/test.ts";

/** What an answer looks like that only a browser can tell: sides, columns, places, what is reachable. */
test.describe("an answer", () => {
  test("in Arabic and Hebrew has its bullets, bars, columns and full stops on their side, and code from left to right", async ({
    script: { chat, model },
  }) => {
    await chat.say("مرحبا");
    (await model.turn())
      .say(
        "مرحبا! استخدم `npm install` الآن.\n\n1. افتح الملف.\n2. English item.\n\n> اقتباس\n\n| عمود | قيمة |\n|---|---|\n| أ | ب |\n\nEnglish.\n\n```\ncode\n```",
      )
      .end();
    await chat.ended();
    const direction = (selector: string) =>
      chat.answer
        .locator(selector)
        .first()
        .evaluate((element) => getComputedStyle(element).direction);
    for (const selector of ["p", "ol", "ol > li", "blockquote", "table", "td"]) expect(await direction(selector), selector).toBe("rtl");
    for (const selector of ["p code", "figure.code", "p:text-is('English.')"]) expect(await direction(selector), selector).toBe("ltr");
    const [first, second] = await chat.answer.locator("th").evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().left));
    expect(first!).toBeGreaterThan(second!);
    const item = chat.answer.locator("ol > li").nth(1);
    const [text, list] = await item.evaluate((li) => {
      const range = document.createRange();
      range.selectNodeContents(li);
      return [range.getBoundingClientRect().right, li.getBoundingClientRect().right];
    });
    expect(Math.abs(text! - list!), "an English item is at the list's side").toBeLessThan(3);
  });

  test("aligns the lines of a formula, draws its strokes, and lets a wide one scroll by keyboard", async ({ script: { chat, model } }) => {
    await chat.say("Hello");
    (await model.turn())
      .say(
        `\\begin{align}\na &= b \\\\\naaaa + 1 &= b\n\\end{align}\n\n$$\\overline{AB} \\cancel{y}$$\n\n$$${"x + ".repeat(120)}1$$\n\nSmall: $$y$$\n`,
      )
      .end();
    await chat.ended();
    await expect(chat.answer.locator("math")).toHaveCount(4);
    const signs = await chat.answer
      .locator("mo", { hasText: /^=$/ })
      .evaluateAll((elements) => elements.map((element) => element.getBoundingClientRect().left));
    expect(Math.abs(signs[0]! - signs[1]!)).toBeLessThan(1);
    const stroke = chat.answer.locator(".tml-cancel").first();
    expect(await stroke.evaluate((element) => getComputedStyle(element).position)).toBe("absolute");
    await expect(chat.answer.locator(".math.display[tabindex='0']")).toHaveCount(1);
  });

  test("has room for the numbers of a list, however long they are", async ({ script: { chat, model } }) => {
    await chat.say("Hello");
    const turn = await model.turn();
    turn
      .say(`${Array.from({ length: 100 }, (_, i) => `${i + 1}. item`).join("\n")}\n\n- years\n\n  1969. moon\n\n> 10000. steps\n\nEnd.`)
      .end();
    await chat.ended();
    const numbers = await chat.answer.locator("ol").evaluateAll((lists) =>
      lists.map((list) => {
        const last = (list as HTMLOListElement).start + list.children.length - 1;
        const number = list.appendChild(document.createElement("span"));
        number.textContent = `${last}.`;
        const { paddingInlineStart, listStylePosition } = getComputedStyle(list);
        const isInside = listStylePosition === "inside" || number.getBoundingClientRect().width <= Number.parseFloat(paddingInlineStart);
        return { last, isInside };
      }),
    );
    expect(numbers).toEqual([100, 1969, 10000].map((last) => ({ last, isInside: true })));
  });

  test("has callouts with titles, and references that lead to their footnotes and back", async ({ script: { chat, model } }) => {
    await chat.say("Hello");
    (await model.turn()).say("A claim[^1].\n\n> [!WARNING]\n> Mind it.\n\n[^1]: Its source.\n\nThe end.").end();
    await chat.ended();
    await expect(chat.answer.getByRole("note", { name: chat.words.callouts.warning })).toContainText("Mind it.");
    const footnotes = chat.answer.getByRole("region", { name: chat.words.footnotes });
    await expect(footnotes).toHaveText(/1\s*Its source\./);
    await expect(chat.answer.locator("> :last-child")).toHaveText(/Its source/);
    await chat.answer.getByRole("button", { name: chat.words.footnote("1"), exact: true }).click();
    await expect(footnotes.locator(".footnote")).toBeFocused();
    await footnotes.getByRole("button", { name: chat.words.backToFootnote("1") }).click();
    await expect(chat.answer.getByRole("button", { name: chat.words.footnote("1"), exact: true })).toBeFocused();
  });

  test("shows no half mark while it streams", async ({ script: { chat, model } }) => {
    await chat.say("Hello");
    const turn = await model.turn();
    turn.say("Some **bold te");
    await expect(chat.answer.locator("strong")).toHaveText("bold te");
    await expect(chat.answer).toHaveText("Some bold te");
    turn.say("xt** and [a li");
    await expect(chat.answer).toHaveText("Some bold text and a li");
    turn.say("nk](https://exa");
    await expect(chat.answer).toHaveText("Some bold text and a link");
    turn.say("mple.com/).\n\n| a | b");
    await expect(chat.answer.locator("th")).toHaveText(["a", "b"]);
    turn.say(" |\n|---|---|\n| 1 | 2 |\n").end();
    await chat.ended();
    await expect(chat.answer.locator("a")).toHaveAttribute("href", "https://example.com/");
    await expect(chat.answer.locator("td")).toHaveText(["1", "2"]);
  });

  test("is as wide on paper as the paper: tables, code and formulas too", async ({ script: { chat, model } }) => {
    const columns = Array.from({ length: 14 }, (_, i) => `Column ${i}`);
    await chat.say("Hello");
    (await model.turn())
      .say(
        `|${columns.join("|")}|\n|${"---|".repeat(14)}\n|${columns.join("|")}|\n\n\`\`\`\n${"a long line of code; ".repeat(30)}\n\`\`\`\n\n$$${"x + ".repeat(60)}1$$\n`,
      )
      .end();
    await chat.ended();
    await expect(chat.answer.locator("math")).toHaveCount(1);
    await chat.page.emulateMedia({ media: "print" });
    await chat.page.setViewportSize({ width: 700, height: 900 });
    await expect
      .poll(() =>
        chat.answer.evaluate((answer) =>
          Math.max(...[...answer.querySelectorAll("*")].map((element) => element.getBoundingClientRect().right)),
        ),
      )
      .toBeLessThanOrEqual(700);
  });
});
