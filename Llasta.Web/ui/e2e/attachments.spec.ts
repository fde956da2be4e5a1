import { expect, test, type Chat } from "./support/test.ts";

const file = (name: string, text: string | Buffer, mimeType = "text/plain") => ({ name, mimeType, buffer: Buffer.from(text) });

const attach = async (chat: Chat, ...files: ReturnType<typeof file>[]) => {
  const chooser = chat.page.waitForEvent("filechooser");
  await chat.button(chat.words.attach).click();
  await (await chooser).setFiles(files);
};

/** Pastes as the clipboard would. */
const paste = (chat: Chat, text: string) =>
  chat.box.evaluate((box, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
    return box.dispatchEvent(event);
  }, text);

test("text files are attached with their token counts, sent as text, and shown with the question", async ({ script: { chat, model } }) => {
  await attach(chat, file("a.py", "print(1)\n"), file("notes.md", "# Notes\n"));
  await expect(chat.attachments).toHaveText([/^a\.py\d+ tokens$/, /^notes\.md\d+ tokens$/]);
  await chat.say("What are these?");
  const turn = await model.turn();
  expect(turn.messages).toEqual([
    { role: "user", content: "a.py:\n\n```py\nprint(1)\n```\n\nnotes.md:\n\n```md\n# Notes\n```\n\nWhat are these?" },
  ]);
  turn.say("Two files.").end();
  await chat.ended();
  await expect(chat.attachments).toHaveCount(0);
  await expect(chat.questions).toHaveText(["What are these?"]);
  await chat.last.getByText("a.py").click();
  await expect(chat.last.getByText("print(1)")).toBeVisible();

  const saved = (await chat.exported()).text;
  await chat.button(chat.words.reset).click();
  await chat.import(saved);
  await expect(chat.last.locator(".attachment summary")).toHaveText(["a.py", "notes.md"]);
});

test("a file can be sent without a message, and removed before it is sent", async ({ script: { chat, model } }) => {
  await attach(chat, file("a.txt", "one"), file("b.txt", "two"));
  await chat.button(chat.words.remove("a.txt")).press("Enter");
  await expect(chat.attachments).toHaveText([/^b\.txt/]);
  await expect(chat.box).toBeFocused();
  await chat.box.press("Enter");
  const turn = await model.turn();
  expect(turn.messages).toEqual([{ role: "user", content: "b.txt:\n\n```txt\ntwo\n```" }]);
  turn.end();
});

test("a message that is sent while its file is read waits for it, and isn't sent without it", async ({ script: { chat, model }, page }) => {
  // A file on a network drive, for example.
  const hold = () =>
    page.evaluate(() => {
      const read = File.prototype.arrayBuffer;
      const released = new Promise<void>((resolve) => addEventListener("released", () => resolve(), { once: true }));
      File.prototype.arrayBuffer = async function (this: File) {
        File.prototype.arrayBuffer = read;
        await released;
        return this.arrayBuffer();
      };
    });
  await hold();
  const release = () => page.evaluate(() => dispatchEvent(new Event("released")));
  await attach(chat, file("cat.png", "\0"));
  await chat.say("What is it?");
  await release();
  await expect(chat.notice).toHaveText(chat.words.fileNotText("cat.png"));
  await expect(chat.box).toHaveValue("What is it?");
  await expect(chat.exchanges).toHaveCount(0);

  await hold();
  await attach(chat, file("a.txt", "one"));
  await chat.say("What is it?");
  await release();
  const turn = await model.turn();
  expect(turn.messages.at(-1)!.content).toBe("a.txt:\n\n```txt\none\n```\n\nWhat is it?");
  turn.end();
  await chat.ended();

  // What is written meanwhile may be unfinished.
  await hold();
  await attach(chat, file("b.txt", "two"));
  await chat.say("And");
  await chat.box.pressSequentially(" then");
  await release();
  await expect(chat.page.getByText("b.txt", { exact: true })).toBeVisible();
  await expect(chat.box).toHaveValue("And then");
  await expect(chat.exchanges).toHaveCount(1);
});

test("what isn't text is refused by name, and nothing else is lost", async ({ chat }) => {
  await chat.box.fill("A draft");
  await attach(
    chat,
    file("cat.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0]), "image/png"),
    file("empty.txt", ""),
    file("a.txt", "one"),
  );
  const problems = `${chat.words.fileNotText("cat.png")} ${chat.words.fileEmpty("empty.txt")}`;
  await expect(chat.notice).toHaveText(problems);
  await expect(chat.announcer).toHaveText(`${chat.words.attached("a.txt")} ${problems}`);
  await expect(chat.attachments).toHaveText([/^a\.txt/]);
  await expect(chat.box).toHaveValue("A draft");
});

test("a file that is dropped on the page is attached, and doesn't replace the page", async ({ chat, page, context }) => {
  await chat.ask("Hello");
  const drop = (name: string) =>
    page.locator("main").evaluate((main, name) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["dropped text"], name, { type: "text/plain" }));
      const over = new DragEvent("dragover", { dataTransfer, bubbles: true, cancelable: true });
      const dropped = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
      main.dispatchEvent(over);
      main.dispatchEvent(dropped);
      // A drop whose default isn't prevented opens the file in the tab.
      return [over.defaultPrevented, dropped.defaultPrevented];
    }, name);
  expect(await drop("a.txt")).toEqual([true, true]);
  await expect(chat.attachments).toHaveText([/^a\.txt/]);
  await expect(chat.questions).toHaveText(["Hello"]);
  expect(context.pages()).toHaveLength(1);
});

test("files that are pasted with their names are attached; text that comes with a picture stays text", async ({ chat }) => {
  const pasteFiles = (text: string, name: string) =>
    chat.box.evaluate(
      (box, { text, name }) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", text);
        clipboardData.items.add(new File(["# Notes"], name));
        return box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
      },
      { text, name },
    );
  expect(await pasteFiles("a cell\tanother", "image.png")).toBe(true);
  expect(await pasteFiles("notes.md", "notes.md")).toBe(false);
  await expect(chat.attachments).toHaveText([/^notes\.md/]);
});

test("a paste of more than a screen becomes a file, a short one stays text", async ({ script: { chat, model } }) => {
  const long = Array.from({ length: 80 }, (_, i) => `line ${i}`).join("\n");
  await chat.box.focus();
  // Not prevented: the browser pastes a short text itself.
  expect(await paste(chat, "short")).toBe(true);
  // As it is copied in Windows.
  expect(await paste(chat, long.replaceAll("\n", "\r\n"))).toBe(false);
  await expect(chat.attachments).toHaveText([new RegExp(`^${chat.words.pasted}\\.txt`)]);
  await chat.say("Summarise this.");
  const turn = await model.turn();
  expect(turn.messages[0]!.content).toBe(`${chat.words.pasted}.txt:\n\n\`\`\`txt\n${long}\n\`\`\`\n\nSummarise this.`);
  turn.end();
});

test("pasted files have different names, also after one was removed", async ({ chat }) => {
  const { pasted, remove } = chat.words;
  for (const text of ["one", "two"]) await paste(chat, `${text}\n`.repeat(60));
  await chat.button(remove(`${pasted}.txt`)).click();
  for (const text of ["three", "four"]) await paste(chat, `${text}\n`.repeat(60));
  await expect(chat.attachments.locator(".name")).toHaveText([`${pasted} 2.txt`, `${pasted}.txt`, `${pasted} 3.txt`]);
});

test("a stopped message comes back with its files", async ({ chat, model }) => {
  await model.set({ QueueDelay: "00:15:00" });
  await attach(chat, file("a.txt", "one"));
  await chat.say("Hello");
  await expect(chat.attachments).toHaveCount(0);
  await chat.stop.click();
  await chat.ended();
  await expect(chat.box).toHaveValue("Hello");
  await expect(chat.attachments).toHaveText([/^a\.txt/]);
});

test("a file larger than the context window says so", async ({ chat, model }) => {
  await model.set({ ContextWindow: 300 });
  await attach(chat, file("long.txt", "word ".repeat(500)));
  await expect(chat.attachments).toContainText([chat.words.fileOverWindow]);
});
