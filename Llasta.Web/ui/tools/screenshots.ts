/* Takes screenshots of the page in all its states, for people to look at: --out is the folder, --docs takes those of the README instead. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium, expect, type Page } from "@playwright/test";
import { Chat } from "../e2e/support/chat.ts";
import { launch } from "../e2e/support/launch.ts";
import { ScriptedModel } from "../e2e/support/scriptedModel.ts";
import { Service } from "../e2e/support/service.ts";
import { ModelControl, plainModel, type ModelSettings } from "../e2e/support/modelControl.ts";

const root = join(import.meta.dirname, "../../..");
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { out: { type: "string", default: join(root, "artifacts/screenshots") }, docs: { type: "boolean", default: false } },
});
const out = values.out;
mkdirSync(out, { recursive: true });

const model = await ScriptedModel.start();
const scripted = await Service.start("Llasta.Web", { OPENAI_API_BASE_URL: `${model.url}/v1` });
const sim = await Service.start("Llasta.ModelSim");
const simulated = await Service.start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1` });
const control = new ModelControl(sim);
const browser = await chromium.launch(launch);

const sizes = { wide: { width: 1200, height: 800 }, tall: { width: 1200, height: 980 }, phone: { width: 390, height: 780 } };

async function picture(
  name: string,
  url: string,
  take: (chat: Chat, page: Page) => Promise<unknown>,
  sizesToTake: (keyof typeof sizes)[] = ["wide"],
  folder = out,
): Promise<void> {
  for (const size of sizesToTake)
    for (const colorScheme of ["light", "dark"] as const) {
      await control.set(plainModel);
      const page = await browser.newPage({
        viewport: sizes[size],
        colorScheme,
        hasTouch: size === "phone",
        isMobile: size === "phone",
        locale: "en-US",
        reducedMotion: "reduce",
      });
      const chat = new Chat(page);
      await chat.open(url);
      await expect(chat.pill).toHaveAttribute("data-state", /./);
      await take(chat, page);
      // Wait for idle work such as highlighting.
      await page.evaluate(() => new Promise((resolve) => requestIdleCallback(() => requestAnimationFrame(() => resolve(undefined)))));
      await page.screenshot({ path: join(folder, `${name}${size === "phone" ? "-phone" : ""}-${colorScheme}.png`) });
      await page.close();
    }
}

const ask = (question: string) => async (chat: Chat) => {
  await chat.ask(question);
};

const failing = (settings: ModelSettings) => async (chat: Chat) => {
  await chat.ask("Which port does the page listen on?");
  await control.set(settings);
  await chat.ask("And the chat API, when it runs on its own?");
};

const thought =
  "The user wants a short comparison. A table is the clearest form for that.\n\nI should name what each is best at, and say plainly when it is the wrong choice.";
const answer = `All three move structured data between programs; they differ in **who decides what is sent**.

| | REST | gRPC | GraphQL |
|---|---|---|---|
| Wire | JSON over HTTP | Protobuf over HTTP/2 | JSON over HTTP |
| Contract | OpenAPI, optional | \`.proto\`, required | schema, required |
| Streaming | server-sent events | both directions | subscriptions |
| Best for | public APIs | services among themselves | varied clients |

Calling a streaming method takes a few lines:

\`\`\`python
async with grpc.aio.insecure_channel("localhost:50051") as channel:
    stub = ChatStub(channel)
    async for token in stub.Answer(Question(text="Why is the sky blue?")):
        print(token.text, end="", flush=True)
\`\`\`

Choose REST when strangers will call it, gRPC when both ends are yours.`;

/** In mid-table, in mid-word. */
const cutAt = answer.indexOf("subscriptions") + "subscr".length;

const words = (text: string): string[] => text.match(/\s*\S+/g)!;

const paced = async (write: () => void): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 15));
  write();
};

/** A whole answer with its thinking. */
const whole = async (chat: Chat) => {
  await chat.say("Compare REST, gRPC and GraphQL in a table.");
  const turn = await model.turn();
  // In pieces and at the pace of a model.
  for (const word of words(thought)) await paced(() => turn.think(word));
  for (const word of words(answer)) await paced(() => turn.say(word));
  turn.end();
  await chat.ended();
  await expect(chat.answer.locator(".hljs-keyword").first()).toBeVisible();
};

/** One answer when its connection has just been cut, and when it is complete, side by side. */
async function continued(path: string): Promise<void> {
  const page = await browser.newPage({
    viewport: { width: 600, height: 900 },
    colorScheme: "light",
    locale: "en-US",
    reducedMotion: "reduce",
  });
  const chat = new Chat(page);
  await chat.open(scripted.url);
  await chat.say("Compare REST, gRPC and GraphQL in a table.");
  const first = await model.turn();
  for (const word of words(answer.slice(0, cutAt))) await paced(() => first.say(word));
  await expect(chat.answer).toContainText("subscr");
  first.cut();
  await expect(chat.note).toBeVisible();
  const cut = await page.screenshot();
  const second = await model.turn();
  for (const word of words(answer.slice(cutAt))) await paced(() => second.say(word));
  second.end();
  await chat.ended();
  await expect(chat.answer.locator(".hljs-keyword").first()).toBeVisible();
  await page.mouse.move(0, 0);
  const complete = await page.screenshot();

  await page.setViewportSize({ width: 1216, height: 900 });
  await page.goto("about:blank");
  const images = [cut, complete].map((image) => `<img src="data:image/png;base64,${image.toString("base64")}">`);
  await page.setContent(`<body style="margin:0;display:flex;gap:16px">${images.join("")}`);
  await page.screenshot({ path });
  await page.close();
}

try {
  if (values.docs) {
    await continued(join(root, "docs/continued.png"));
    await picture(
      "screenshot",
      scripted.url,
      async (chat, page) => {
        await whole(chat);
        await page.mouse.move(0, 0);
      },
      ["tall"],
      join(root, "docs"),
    );
  } else {
    const both: (keyof typeof sizes)[] = ["wide", "phone"];
    await picture("empty", simulated.url, async () => {}, both);
    await picture("answer", scripted.url, whole, both);
    await picture(
      "thinking",
      scripted.url,
      async (chat) => {
        await chat.say("Compare REST, gRPC and GraphQL in a table.");
        (await model.turn()).think(thought);
        await expect(chat.thought).toContainText("wrong choice");
      },
      both,
    );
    await picture(
      "streaming",
      scripted.url,
      async (chat) => {
        await chat.say("Compare REST, gRPC and GraphQL in a table.");
        (await model.turn()).think(thought).say(answer.slice(0, 620));
        await expect(chat.answer).toContainText("Calling");
      },
      both,
    );
    await picture("table", simulated.url, ask("Show me a table"), both);
    await picture(
      "code",
      simulated.url,
      async (chat) => {
        await chat.ask("Show me code");
        await expect(chat.answer.locator(".hljs-keyword").first()).toBeVisible();
      },
      both,
    );
    await picture(
      "math",
      simulated.url,
      async (chat) => {
        await chat.ask("Show me math");
        await expect(chat.answer.locator("math").first()).toBeVisible();
      },
      both,
    );
    await picture("list", simulated.url, ask("Show me a list"));
    await picture("settings", simulated.url, (chat) => chat.button(chat.words.settings).click(), both);
    await picture("editing", simulated.url, async (chat) => {
      await chat.ask("Hello");
      await chat.button(chat.words.edit).click();
    });
    await picture(
      "wish",
      simulated.url,
      async (chat) => {
        await chat.ask("Hello");
        await chat.button(chat.words.regenerateWithWish).click();
      },
      both,
    );
    model.models = ["Qwen/Qwen3-8B", "meta-llama/Llama-3.2-3B-Instruct"];
    await picture("models", scripted.url, async (chat) => expect(chat.pill.getByRole("combobox")).toBeVisible(), both);
    await picture("reset", simulated.url, async (chat) => {
      await chat.ask("Hello");
      await chat.button(chat.words.reset).click();
    });
    await picture("stopped", simulated.url, async (chat) => {
      await control.set({ Fault: "Stall", FaultAfterTokens: 60 });
      await chat.say("Hello");
      await expect(chat.answer).not.toBeEmpty();
      await chat.stop.click();
      await chat.ended();
    });
    await picture("length", simulated.url, async (chat) => {
      await chat.think(false);
      await control.set({ ContextWindow: 160 });
      await chat.ask("Write 400 tokens");
    });
    await picture("thinking-limit", simulated.url, async (chat) => {
      await control.set({ ContextWindow: 500, ThinkingTokens: 5000 });
      await chat.ask("Hello");
    });
    await picture("resuming", scripted.url, async (chat) => {
      await chat.say("Compare REST, gRPC and GraphQL in a table.");
      let turn = await model.turn();
      // Skip the continuation of the previous picture.
      while (turn.messages.at(-1)!.role === "assistant") turn = await model.turn();
      turn.say(answer.slice(0, 420));
      await expect(chat.answer).toContainText("gRPC");
      turn.cut();
      await expect(chat.note).toBeVisible();
    });
    await picture("model-error", simulated.url, failing({ Fault: "Error" }), both);
    await picture("model-auth", simulated.url, failing({ Fault: "Unauthorized" }));
    await picture("model-not-found", simulated.url, failing({ Fault: "NotFound" }));
    await picture("context-overflow", simulated.url, async (chat) => {
      await chat.think(false);
      for (const question of ["Write 300 words, one", "Write 300 words, two"]) await chat.ask(question);
      await control.set({ ContextWindow: 900 });
      await chat.ask("Hello");
    });
    await picture("dropped", simulated.url, async (chat) => {
      await chat.think(false);
      for (const question of ["Write 300 words, one", "Write 60 words, two"]) await chat.ask(question);
      await control.set({ ContextWindow: 600 });
      await chat.ask("Write 50 words");
      await chat.action.click();
      await chat.ended();
    });
    await picture(
      "unreachable",
      simulated.url,
      async (chat) => {
        await control.set({ Fault: "Refuse" });
        await chat.say("Hello");
        await expect(chat.note).toContainText(chat.words.waitingUnreachable);
      },
      both,
    );
    await picture("draft-back", simulated.url, async (chat) => {
      await control.set({ ContextWindow: 200 });
      await chat.say("Please summarise this for me. ".repeat(40));
      await expect(chat.notice).toBeVisible();
    });
    const loading = await Service.startLater("Llasta.ModelSim");
    const waiting = await Service.start("Llasta.Web", { OPENAI_API_BASE_URL: `${loading.url}/v1` });
    await picture(
      "loading",
      waiting.url,
      async (chat) => {
        await expect(chat.pill).toHaveAttribute("data-state", "loading");
        await chat.say("Hello");
        await expect(chat.note).toContainText(chat.words.waitingLoading);
      },
      both,
    );
    await waiting.end();
  }
} finally {
  await browser.close();
  await Promise.all([scripted.end(), simulated.end(), sim.end()]);
  await model.stop();
}
