/* The main flows in browsers other than Chromium. A browser that isn't installed is left out. */
import { constants, inflateSync } from "node:zlib";
import { expect, type Page } from "@playwright/test";
import { commonMark, more, world } from "../../test/markdown/corpus.ts";
import { findFirefox, findWebKit } from "../support/browser.mjs";
import type { ScriptedModel } from "../support/scriptedModel.ts";
import { withServices } from "../support/test.ts";
import type { Engine } from "./engine.ts";
import { startFirefox } from "./firefox.ts";
import { Reader } from "./reader.ts";
import { startWebKit } from "./webkit.ts";

const firefox = findFirefox();
const webkit = findWebKit();
const engines = [
  { name: "Firefox", start: firefox ? () => startFirefox(firefox) : undefined, harmless: undefined },
  // WebKit reports it when a formula that has just been drawn gets its scroll bar: the next frame has the new size.
  { name: "WebKit", start: webkit ? () => startWebKit(webkit) : undefined, harmless: /^ResizeObserver loop completed/ },
];

const words = (count: number, perParagraph = 90) =>
  Array.from({ length: count }, (_, i) => `word${i}${(i + 1) % perParagraph === 0 ? "\n\n" : " "}`).join("");

/** A conversation with one answer, as a file. */
const conversationOf = (...answers: string[]) => ({
  messages: answers.flatMap((content, i) => [
    { role: "user", content: `Question ${i}` },
    { role: "assistant", content },
  ]),
});

/** Waits until nothing scrolls, and nothing changes its size any more. */
const settled = async (engine: Engine) => {
  const isStill = () =>
    engine.evaluate(async () => {
      const state = () => `${scrollY} ${document.documentElement.scrollHeight}`;
      const before = state();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return state() === before;
    });
  await expect.poll(isStill, { message: "the page comes to rest", intervals: [1] }).toBe(true);
};

for (const { name, start, harmless } of engines) {
  withServices.describe(name, () => {
    withServices.skip(!start, `${name} is not installed`);
    // In one process, so that they share a browser.
    withServices.describe.configure({ mode: "default" });

    let engine: Engine;
    let reader: Reader;
    let model: ScriptedModel;

    withServices.beforeAll(async ({ scripted }) => {
      engine = await start!();
      reader = new Reader(engine);
      model = scripted.model;
    });

    withServices.beforeEach(async ({ scripted }) => reader.open(scripted.web.url));

    withServices.afterEach(async () => expect((await reader.complaints()).filter((complaint) => !harmless?.test(complaint))).toEqual([]));

    withServices.afterAll(async () => engine?.close());

    withServices("sends, streams, stops with Escape, and continues the same answer", async () => {
      await reader.say("Hello");
      const turn = await model.turn();
      expect(turn.messages.at(-1)).toEqual({ role: "user", content: "Hello" });
      turn.say("Some **bo");
      await expect.poll(() => reader.answer()).toBe("Some bo");
      await engine.press("Escape");
      await expect.poll(() => turn.gone).toBe(true);
      await reader.ended();
      expect(await reader.note()).toContain(reader.words.states.stopped);
      await reader.click(reader.words.continue);
      const next = await model.turn();
      expect(next.messages.at(-1)).toEqual({ role: "assistant", content: "Some **bo" });
      next.say("ld** text.").end();
      await reader.ended();
      expect(await reader.answer()).toBe("Some bold text.");
      expect(await reader.note()).toBe("");
    });

    withServices("keeps earlier answers as versions", async () => {
      await reader.say("Hello");
      (await model.turn()).say("One.").end();
      await reader.ended();
      await reader.click(reader.words.regenerate);
      (await model.turn()).say("Two.").end();
      await reader.ended();
      expect(await reader.answer()).toBe("Two.");
      expect(await reader.texts(".version")).toEqual(["2/2"]);
      await reader.click(reader.words.earlierVersion);
      await expect.poll(() => reader.answer()).toBe("One.");
    });

    withServices("attaches a text file", async () => {
      await reader.attach("notes.md", "# Notes\n");
      await expect.poll(() => reader.texts(".attachments .name")).toEqual(["notes.md"]);
      await reader.say("What is this?");
      const turn = await model.turn();
      expect(turn.messages.at(-1)!.content).toBe("notes.md:\n\n```md\n# Notes\n```\n\nWhat is this?");
      turn.say("Notes.").end();
      await reader.ended();
    });

    withServices("copies an answer as it was written, and a table for a spreadsheet", async () => {
      const answer = "Some **bold** text.\n\n| a | b |\n|---|---|\n| 1 | 2 |";
      await reader.say("Hello");
      (await model.turn()).say(answer).end();
      await reader.ended();
      await reader.click(reader.words.copyAnswer);
      // Copying takes a moment, in which the clipboard has what it had before.
      await expect.poll(() => reader.pasted()).toBe(answer);
      await reader.click(reader.words.copyTable);
      await expect.poll(() => reader.pasted()).toBe("a\tb\n1\t2");
    });

    withServices("pages up through 12,000 words without skipping one", async () => {
      withServices.slow();
      const count = 12_000;
      await reader.say("Hello");
      const turn = await model.turn();
      for (const piece of words(count).match(/(?:\S+\s+){600}/g)!) turn.say(piece);
      await expect.poll(() => reader.answer(), { timeout: 60_000 }).toContain(`word${count - 1}`);
      turn.end();
      await reader.ended();
      await engine.evaluate(() => {
        (document.activeElement as HTMLElement).blur();
        scrollTo(0, document.documentElement.scrollHeight);
      });
      await settled(engine);
      const top = () => engine.evaluate(() => scrollY);
      let view = await reader.wordsInView();
      expect(view.last).toBe(count - 1);
      while (view.first > 0) {
        const before = await top();
        await engine.press("PageUp");
        await expect.poll(top).toBeLessThan(before);
        await settled(engine);
        const next = await reader.wordsInView();
        expect(next.last, `what precedes word ${view.first} is in view`).toBeGreaterThanOrEqual(view.first - 1);
        view = next;
      }
    });

    withServices("follows the answer again after End, and when the window or the message box changes its height", async () => {
      await reader.say("Hello");
      const turn = await model.turn();
      turn.say(words(900));
      await expect.poll(() => reader.answer()).toContain("word899");
      await engine.evaluate(() => (document.activeElement as HTMLElement).blur());
      await engine.press("PageUp");
      await settled(engine);
      turn.say(words(90));
      const toEnd = () =>
        engine.evaluate(() => Math.round(document.documentElement.scrollHeight - document.documentElement.clientHeight - scrollY));
      await expect.poll(toEnd).toBeGreaterThan(200);
      await engine.press("End");
      turn.say(words(90));
      await expect.poll(toEnd).toBeLessThan(2);
      turn.say(words(90));
      await expect.poll(toEnd).toBeLessThan(2);
      for (const height of [500, 900]) {
        await engine.resize(1200, height);
        await expect.poll(() => engine.evaluate(() => innerHeight)).toBe(height);
        turn.say(words(90));
        await expect.poll(toEnd).toBeLessThan(2);
      }
      turn.end();
      await reader.ended();
      await reader.focusBox();
      await engine.type("The next message. ".repeat(30));
      await expect.poll(toEnd).toBeLessThan(2);
    });

    withServices("keeps the text in view when the window crosses the width at which the layout changes", async () => {
      await reader.import(conversationOf(words(900), words(4500)));
      await expect.poll(() => reader.answer()).toContain("word4499");
      await engine.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2));
      for (const width of [1000, 1200, 1000]) {
        await engine.resize(width, 900);
        await settled(engine);
        const { first, last } = await reader.wordsInView();
        expect(last - first, `words in view at ${width} px`).toBeGreaterThan(50);
      }
    });

    withServices("survives hostile nesting, and goes on", async () => {
      await reader.say("Hello");
      (await model.turn()).say(`Start\n\n${"- ".repeat(3000)}deep\n\n${"> ".repeat(3000)}deeper\n\nEnd`).end();
      await reader.ended();
      expect(await reader.answer()).toContain("End");
      await reader.say("Still there?");
      (await model.turn()).say("Yes.").end();
      await reader.ended();
      expect(await reader.answer()).toBe("Yes.");
    });

    withServices("sets Arabic from right to left, code from left to right, and Chinese emphasis as emphasis", async () => {
      await reader.import(
        conversationOf(
          "مرحبا `npm install`\n\n- أول\n\n> اقتباس\n\n```\ncode\n```\n\n| عمود | ب |\n|---|---|\n| أ | 1 |\n\n**提示：**先保存文件。",
        ),
      );
      await expect.poll(() => reader.texts(".prose strong")).toEqual(["提示："]);
      const styles = await engine.evaluate(() =>
        ["p", "ul", "blockquote", ".table", "pre", "code"].map((selector) => {
          const { direction, unicodeBidi } = getComputedStyle(document.querySelector(`.prose ${selector}`)!);
          return `${selector} ${selector === "code" ? unicodeBidi : direction}`;
        }),
      );
      expect(styles).toEqual(["p rtl", "ul rtl", "blockquote rtl", ".table rtl", "pre ltr", "code isolate"]);
    });

    withServices("prints the whole answer, over many pages", async () => {
      withServices.skip(!engine.print, `${name}'s driver doesn't print`);
      await reader.import(conversationOf(words(3600)));
      await expect.poll(() => reader.answer()).toContain("word3599");
      expect(pagesOf(Buffer.from(await engine.print!()))).toBeGreaterThan(5);
    });

    withServices("draws all collections of Markdown as Chromium does", async ({ page, scripted }) => {
      withServices.slow();
      const conversation = conversationOf(...commonMark, ...more, ...world);
      await page.goto(scripted.web.url);
      const expected = await drawnIn(page, conversation);
      expect(expected.join("")).toContain("<math");
      await reader.import(conversation);
      const drawn = async () => (await engine.evaluate(answersAsHtml)).map(withoutStyles);
      await expect.poll(async () => (await drawn()).length, { timeout: 60_000 }).toBe(expected.length);
      await expect.poll(drawn, { timeout: 30_000 }).toEqual(expected);
    });
  });
}

/** The number of pages of a PDF, whose objects may be in compressed streams. */
function pagesOf(pdf: Buffer): number {
  const text = pdf.toString("latin1");
  const streams = [...text.matchAll(/FlateDecode[^]*?stream\r?\n([^]*?)endstream/g)].map(([, data]) => {
    try {
      return inflateSync(Buffer.from(data!, "latin1"), { finishFlush: constants.Z_SYNC_FLUSH }).toString("latin1");
    } catch {
      return "";
    }
  });
  return [text, ...streams].join("\n").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
}

const answersAsHtml = (): string[] => [...document.querySelectorAll(".answer-text")].map((answer) => answer.innerHTML);

/** Temml's inline styles have declarations that only one of the browsers knows. */
const withoutStyles = (html: string): string => html.replaceAll(/ style="[^"]*"/g, "");

/** The HTML in Chromium, once it is complete: formulas and colours come later. */
async function drawnIn(page: Page, conversation: object): Promise<string[]> {
  const reader = new Reader({
    evaluate: (run: never, argument: never) => page.evaluate(run, argument),
    click: (x: number, y: number) => page.mouse.click(x, y),
  } as unknown as Engine);
  await reader.import(conversation);
  let last: string[] = [];
  await expect(async () => {
    const now = (await page.evaluate(answersAsHtml)).map(withoutStyles);
    const before = last;
    last = now;
    expect(now).toEqual(before);
    expect(now).toHaveLength((conversation as { messages: unknown[] }).messages.length / 2);
  }).toPass({ intervals: [1000] });
  return last;
}
