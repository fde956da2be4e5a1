import type { Page } from "@playwright/test";
import { payloads } from "./support/payloads.ts";
import { expect, test, type Chat } from "./support/test.ts";
import { toJson } from "../src/conversation/transfer.ts";
import { newExchange } from "../src/conversation/conversation.ts";
import { draftOf } from "../src/conversation/draft.ts";

/*
 * Whatever a model says, no script runs, no request leaves the origin and no policy is violated. The last two are
 * checked in every test (test.ts); here `alert` and the resulting elements are checked too.
 */
test.beforeEach(async ({ context, page }) => {
  page.on("dialog", (dialog) => void dialog.dismiss());
  await context.addInitScript(() => {
    const ran = () => (window as unknown as { complain(text: string): void }).complain(`a script ran: ${new Error().stack}`);
    Object.assign(window, { alert: ran, prompt: ran, confirm: ran });
  });
  await context.addInitScript(`window.poke = ${poke.toString()}`);
});

/** Returns the forbidden elements and attributes of the conversation, after pointing at, focusing and clicking each element. */
const poke = () => {
  const wrong: string[] = [];
  const stay = (event: Event) => event.preventDefault();
  addEventListener("click", stay, true);
  for (const element of document.querySelectorAll(".question, .question *, .attachment > *, .note *, .prose *, .thought *")) {
    if (element.closest("button")) continue;
    if (
      /^(script|iframe|object|embed|applet|form|input|select|textarea|img|image|picture|video|audio|style|link|meta|base|template|portal|svg|details|dialog|marquee|frameset)$/i.test(
        element.localName,
      )
    )
      wrong.push(`<${element.localName}>`);
    for (const { name, value } of element.attributes) {
      // Temml sets lengths on its elements through CSSOM.
      if (name === "style" && element.closest("math") && !/url|position|var|image/i.test(value)) continue;
      if (/^(on.*|src|srcset|srcdoc|style|id|name|ping|action|formaction|background|xlink:href|data-.*)$/i.test(name))
        wrong.push(`${element.localName} ${name}=${value}`);
      if (name === "href" && !/^(https?:\/\/|mailto:)/i.test(value)) wrong.push(`href=${value}`);
    }
    for (const type of [
      "pointerover",
      "mouseover",
      "pointerenter",
      "mouseenter",
      "focus",
      "focusin",
      "click",
      "toggle",
      "animationstart",
      "load",
      "error",
    ])
      element.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }));
  }
  removeEventListener("click", stay, true);
  if (document.querySelectorAll("[id=message]").length !== 1) wrong.push("another #message");
  return wrong;
};

test(`the corpus has at least 150 payloads`, () => expect(new Set(payloads).size).toBeGreaterThanOrEqual(150));

test("as an answer, through the real chat API", async ({ script: { chat, model } }) => {
  test.slow();
  await chat.say("Hello");
  for (const [i, payload] of payloads.entries()) {
    if (i > 0) await press(chat.page, chat.words.regenerate);
    (await model.turn()).say(payload).say(`\n\nend of ${i}`).end();
    await chat.page.waitForFunction((end) => {
      const article = document.querySelector("article");
      return article?.getAttribute("aria-busy") === "false" && article.textContent.includes(end);
    }, `end of ${i}`);
    expect(await chat.page.evaluate(poke), payload).toEqual([]);
  }
  await expectAlive(chat);
});

const press = (page: Page, label: string) =>
  page.evaluate((label) => document.querySelector<HTMLElement>(`button[aria-label="${label}"]`)!.click(), label);

/** @property size of a token, in characters. */
const forms: Record<string, (payload: string) => { event?: "reasoning"; text: string; size?: number }> = {
  "as an answer": (text) => ({ text }),
  "in a fence": (payload) => ({ text: `\`\`\`html\n${payload}\n\`\`\`\n`, size: 6 }),
  "in a fence that isn't closed": (payload) => ({ text: `~~~~javascript\n${payload}`, size: 6 }),
  "in a list, a quotation and a table": (payload) => ({
    text: `- ${payload}\n\n> ${payload}\n\n| a | b |\n|---|---|\n| ${payload.replaceAll("\n", " ")} | x |\n`,
    size: 8,
  }),
  "as a thought": (text) => ({ event: "reasoning", text }),
};

for (const [form, wrap] of Object.entries(forms))
  test(`${form}, streamed token by token, each one drawn`, async ({ chat, page }) => {
    test.slow();
    await page.evaluate(standIn);
    await chat.say("Hello");
    await chat.ended();
    const answers = payloads.map((payload) => {
      const { event, text, size = 3 } = wrap(payload);
      const tokens = text.match(new RegExp(`[\\s\\S]{1,${size}}`, "gu")) ?? [];
      return tokens.map((token) => `${event ? `event: ${event}\n` : ""}data: ${JSON.stringify(token)}\n\n`);
    });
    const wrong = await page.evaluate(
      async ([answers, regenerate]) => {
        const wrong: string[] = [];
        const page = window as unknown as { events: string[]; poke(): string[] };
        for (const events of answers) {
          page.events = events;
          document.querySelector<HTMLElement>(`button[aria-label="${regenerate}"]`)!.click();
          while (document.querySelector("article")!.getAttribute("aria-busy") !== "false")
            await new Promise((resolve) => setTimeout(resolve, 0));
          wrong.push(...page.poke().map((what) => `${what} in ${events.join("")}`));
        }
        return wrong;
      },
      [answers, chat.words.regenerate] as const,
    );
    expect(wrong).toEqual([]);
    await expectAlive(chat);
  });

/** Answers come from `window.events`, a read for each, and each read is drawn before the next one comes. */
const standIn = () => {
  const real = window.fetch;
  const page = window as unknown as { events: string[] };
  page.events = ['data: "first"\n\n'];
  const soon = (call: () => void) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      call();
    };
    port2.postMessage(0);
  };
  const later = window.setTimeout;
  window.requestAnimationFrame = (call) => {
    soon(() => call(performance.now()));
    return 0;
  };
  // The page draws less often than it reads; here it doesn't wait.
  window.setTimeout = ((call: () => void, ms = 0) => (ms > 500 ? later(call, ms) : soon(call))) as typeof setTimeout;
  window.fetch = (input, init) => {
    if (!String(input).endsWith("api/chat")) return real(input, init);
    const text = new TextEncoder();
    const events = ['event: start\ndata: {"id":"1","model":"m"}\n\n', ...page.events, 'event: end\ndata: {"state":"done"}\n\n'];
    let next = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) =>
          new Promise<void>((resolve) =>
            soon(() =>
              soon(() =>
                soon(() =>
                  soon(() => {
                    if (next < events.length) controller.enqueue(text.encode(events[next++]));
                    else controller.close();
                    resolve();
                  }),
                ),
              ),
            ),
          ),
      },
      { highWaterMark: 0 },
    );
    return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
  };
};

test("as questions, answers, thinking, names and a system prompt in an opened file", async ({ chat }) => {
  const exchanges = payloads.map((payload) =>
    newExchange(draftOf(payload, [{ name: payload, text: payload }]), {
      text: payload,
      reasoning: payload,
      reasoningSkipped: false,
      reasoningMs: 1,
      state: "truncated",
      detail: payload,
      model: payload,
      usage: undefined,
      timings: undefined,
    }),
  );
  await chat.import(toJson({ system: payloads[0]!, exchanges }));
  await expect(chat.exchanges).toHaveCount(payloads.length);
  expect(await chat.page.evaluate(poke)).toEqual([]);
  await expectAlive(chat);
});

test("in the names and texts of the chat API and the model's server", async ({ chat, page }) => {
  const evil = "<img src=x onerror=alert(1)>";
  await page.route("**/api/model", (route) =>
    route.fulfill({ json: { state: "ready", model: evil, version: evil, contextWindow: 100, simulated: true } }),
  );
  await page.route("**/api/chat", (route) =>
    route.fulfill({ status: 502, contentType: "application/problem+json", json: { code: "model-error", detail: evil, title: evil } }),
  );
  await page.reload();
  await expect(chat.pill).toContainText(evil);
  await chat.say("Hello");
  await expect(chat.note).toContainText(evil);
  expect(await page.locator("main img, .pill img").count()).toBe(0);
});

test("formulas of every kind are drawn under the strict policy, and invalid ones show their source", async ({
  script: { chat, model },
}) => {
  const formulas = [
    "\\color{red} x",
    "\\textcolor{blue}{y}",
    "\\colorbox{yellow}{z}",
    "\\boxed{E = mc^2}",
    "\\cancel{x}",
    "\\underline{x}",
    "\\overbrace{a+b}^{c}",
    "\\sqrt[3]{x}",
    "\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}",
    "\\begin{cases} 1 & x > 0 \\\\ 0 & x \\le 0 \\end{cases}",
    "\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}",
    "\\begin{array}{|c|c|}\\hline a & b \\\\ \\hline \\end{array}",
    "\\mathbb{R}",
    "\\operatorname{softmax}",
    "\\hspace{1em} a",
    "\\rule{1em}{1em}",
    "\\large x",
    "\\tag{1} x",
  ];
  const wrong = ["\\frac{1}{", "\\unknown"];
  await chat.say("Hello");
  (await model.turn()).say([...formulas, ...wrong].map((tex) => `$$\n${tex}\n$$`).join("\n\n")).end();
  await chat.ended();
  await expect(chat.answer.locator("math")).toHaveCount(formulas.length);
  for (const tex of wrong) await expect(chat.answer).toContainText(tex);
});

/** The page still does what it is for. */
async function expectAlive(chat: Chat): Promise<void> {
  // What is drawn when there is time, like code's colours, is drawn.
  await chat.page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
  await expect(chat.box).toBeVisible();
  await chat.button(chat.words.reset).click();
  await expect(chat.page.getByRole("heading", { name: chat.words.emptyTitle })).toBeVisible();
}
