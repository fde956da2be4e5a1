import { readFile } from "node:fs/promises";
import { expect, type Locator, type Page } from "@playwright/test";
import { en } from "../../src/words/en.ts";

/** The page as a reader knows it: by its visible labels. */
export class Chat {
  readonly page: Page;
  readonly words = en;
  readonly box: Locator;
  readonly send: Locator;
  readonly stop: Locator;
  readonly exchanges: Locator;
  readonly last: Locator;
  /** The last answer's text. */
  readonly answer: Locator;
  readonly questions: Locator;
  readonly thinking: Locator;
  readonly thought: Locator;
  /** The note under the last answer, and its one action. */
  readonly note: Locator;
  readonly action: Locator;
  /** The notice at the message box. */
  readonly notice: Locator;
  /** The files that go with the next message. */
  readonly attachments: Locator;
  readonly queued: Locator;
  readonly pill: Locator;
  readonly gauge: Locator;
  /** Which version the last exchange is. */
  readonly version: Locator;
  readonly toEnd: Locator;
  readonly announcer: Locator;
  readonly settings: Locator;

  constructor(page: Page) {
    this.page = page;
    this.box = page.getByRole("textbox", { name: en.message, exact: true });
    this.send = page.getByRole("button", { name: en.send, exact: true });
    this.stop = page.getByRole("button", { name: en.stop, exact: true });
    this.exchanges = page.getByRole("article");
    this.last = this.exchanges.last();
    this.answer = this.last.locator(".prose");
    this.questions = page.locator(".question");
    this.thinking = this.last.locator("details.thinking");
    this.thought = this.thinking.locator(".thought");
    this.note = this.last.locator(".note");
    this.action = this.note.getByRole("button");
    this.notice = page.locator(".composer .notice");
    this.attachments = page.locator(".attachments li");
    this.queued = page.locator(".queued p");
    this.pill = page.locator(".pill");
    this.gauge = page.getByRole("meter", { name: en.context });
    this.version = this.last.locator(".version");
    this.toEnd = page.getByRole("button", { name: en.toEnd });
    this.announcer = page.getByRole("status");
    this.settings = page.getByRole("dialog", { name: en.settings });
  }

  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await expect(this.box).toBeVisible();
  }

  async say(message: string): Promise<void> {
    await this.box.fill(message);
    await this.box.press("Enter");
  }

  /** Sends a message and waits for the whole answer. */
  async ask(message: string): Promise<void> {
    const before = await this.exchanges.count();
    await this.say(message);
    await expect(this.exchanges).toHaveCount(before + 1);
    await this.ended();
  }

  /** Waits until the turn has ended, in any state. */
  async ended(): Promise<void> {
    await expect(this.send).toBeVisible();
    await expect(this.page.locator('article[aria-busy="true"]')).toHaveCount(0);
  }

  async think(on: boolean): Promise<void> {
    const button = this.button(en.think);
    if (((await button.getAttribute("aria-pressed")) === "true") !== on) await button.click();
  }

  /** Expects a note that contains this text, and has exactly this action or none. */
  async expectNote(text: string, action?: string): Promise<void> {
    await expect(this.note).toBeVisible();
    await expect(this.note.locator("p")).toContainText(text);
    if (action === undefined) await expect(this.action).toHaveCount(0);
    else await expect(this.action).toHaveText(action);
  }

  /** Lets the clock run through the pauses between retries until `text` is shown. Install the page's clock first. */
  async passPauses(text: string, where = this.note.locator("p")): Promise<void> {
    await expect(async () => {
      await this.page.clock.runFor(10_000);
      await expect(where).toContainText(text, { timeout: 50 });
    }).toPass({ intervals: [100] });
  }

  /** The exported conversation. */
  async exported(kind: "Markdown" | "JSON" = "JSON"): Promise<{ name: string; text: string }> {
    await this.button(en.settings).click();
    const download = this.page.waitForEvent("download");
    await this.button(kind === "JSON" ? en.exportJson : en.exportMarkdown).click();
    const file = await download;
    const text = await readFile(await file.path(), "utf8");
    await this.button(en.close).click();
    return { name: file.suggestedFilename(), text };
  }

  /** The text of the last answer as the model wrote it. */
  async lastAnswerText(): Promise<string> {
    const { exchanges } = JSON.parse((await this.exported()).text) as { exchanges: { answer?: { text: string } }[] };
    return exchanges.at(-1)?.answer?.text ?? "";
  }

  async import(text: string, name = "conversation.json"): Promise<void> {
    await this.button(en.settings).click();
    const chooser = this.page.waitForEvent("filechooser");
    await this.button(en.importJson).click();
    await (await chooser).setFiles({ name, mimeType: "application/json", buffer: Buffer.from(text) });
  }
}
