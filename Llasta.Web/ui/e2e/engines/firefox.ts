import puppeteer from "puppeteer-core";
import { type Engine, watch } from "./engine.ts";

/** An installed Firefox, by WebDriver BiDi. Playwright drives only a Firefox of its own. */
export async function startFirefox(executablePath: string): Promise<Engine> {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    headless: true,
    extraPrefsFirefox: { "general.smoothScroll": false, "intl.accept_languages": "en-US" },
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  // Leaving a conversation asks first.
  page.on("dialog", (dialog) => void dialog.accept());
  await page.evaluateOnNewDocument(watch);
  return {
    open: async (url) => {
      await page.goto(url, { waitUntil: "load" });
    },
    evaluate: async (run, argument) => (await page.evaluate(run as (argument: unknown) => unknown, argument)) as never,
    type: (text) => page.keyboard.type(text),
    press: async (key, modifier) => {
      if (modifier) await page.keyboard.down(modifier);
      await page.keyboard.press(key);
      if (modifier) await page.keyboard.up(modifier);
    },
    click: (x, y) => page.mouse.click(x, y),
    resize: (width, height) => page.setViewport({ width, height }),
    screenshot: async (path) => {
      await page.screenshot({ path: path as `${string}.png` });
    },
    print: () => page.pdf({ format: "a4" }),
    close: () => browser.close(),
  };
}
