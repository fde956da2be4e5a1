import { Chat, expect, test } from "./support/test.ts";
import { Service } from "./support/service.ts";
import { ModelControl } from "./support/modelControl.ts";

test("a message sent while the model loads waits visibly and is sent when the model is ready", async ({ page, start }) => {
  const sim = await Service.startLater("Llasta.ModelSim");
  try {
    const web = await start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1` });
    const chat = new Chat(page);
    await chat.open(web.url);
    await expect(chat.pill).toHaveAttribute("data-state", "loading");
    await expect(chat.pill).toHaveText(/loading \d+:\d\d/);
    await expect(chat.box).toHaveAttribute("placeholder", chat.words.messageHintWhileLoading);
    await chat.say("Hello");
    await chat.expectNote(chat.words.waitingLoading, chat.words.tryNow);
    await expect(chat.questions).toHaveText(["Hello"]);
    await expect(chat.announcer).toHaveText(chat.words.waitingLoading);
    await sim.start();
    await chat.ended();
    await expect(chat.answer).toContainText("Hello");
    await expect(chat.pill).toHaveAttribute("data-state", "ready");
    await expect(chat.note).toBeHidden();
  } finally {
    await sim.end();
  }
});

test("an unreachable model is retried automatically", async ({ chat, model }) => {
  await model.set({ Fault: "Refuse", FaultTimes: 2 });
  await chat.say("Hello");
  await chat.expectNote(chat.words.waitingUnreachable, chat.words.tryNow);
  await chat.ended();
  await expect(chat.answer).toContainText("Hello");
  await expect(chat.questions).toHaveCount(1);
});

test("a waiting message shows how long it has waited, and when the next try is", async ({ chat, model, page }) => {
  await page.clock.install();
  await model.set({ QueueDelay: "00:15:00" });
  await chat.say("Hello");
  await chat.expectNote(chat.words.sending);
  await page.clock.runFor(45_000);
  await expect(chat.note.locator(".time")).toHaveText(/^0:4\d$/);
  await chat.stop.click();
  await chat.ended();

  await model.set({ QueueDelay: "00:00:00", Fault: "Refuse" });
  await chat.say("Hello");
  await expect(async () => {
    await page.clock.runFor(3000);
    await expect(chat.note.locator(".time")).toHaveText(/^next try in 0:0\d$/, { timeout: 50 });
  }).toPass({ intervals: [100] });
});

test("the pill follows what a turn has just learnt", async ({ script: { chat, model }, page }) => {
  await expect(chat.pill).toHaveAttribute("data-state", "ready");
  await page.clock.install();
  // The server's own state never arrives: all that the pill learns is from the turn.
  await page.route("**/api/model", () => {});
  await page.route("**/api/chat", (route) => route.abort());
  await chat.say("Hello");
  await chat.expectNote(chat.words.waitingUnreachable, chat.words.tryNow);
  await expect(chat.pill).toHaveAttribute("data-state", "unreachable");
  await page.unroute("**/api/chat");
  await chat.action.click();
  (await model.turn()).say("Hi");
  await expect(async () => {
    await page.clock.runFor(100);
    await expect(chat.pill).toHaveAttribute("data-state", "ready", { timeout: 50 });
  }).toPass({ intervals: [50] });
});

test("after a minute, loading says that the model may not run at all, and what to look at", async ({ page, start }) => {
  const sim = await Service.startLater("Llasta.ModelSim");
  const web = await start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1` });
  const chat = new Chat(page);
  await page.clock.install();
  await chat.open(web.url);
  await expect(chat.pill).toHaveAttribute("data-state", "loading");
  await chat.say("Hello");
  await chat.expectNote(chat.words.waitingLoading, chat.words.tryNow);
  await chat.passPauses(chat.words.waitingLoadingLong);
  await expect(chat.note.locator(".detail")).toHaveText(chat.words.hints.unreachable);
  await expect(chat.pill).toContainText(chat.words.loadingLong);
});

test("Try now doesn't wait for the pause to end", async ({ chat, model, page }) => {
  await page.clock.install();
  await model.set({ Fault: "Refuse" });
  await chat.say("Hello");
  await expect(async () => {
    await page.clock.runFor(20);
    await chat.expectNote(chat.words.waitingUnreachable, chat.words.tryNow);
  }).toPass();
  await model.set({ Fault: "None" });
  // At once: on a busy machine, a click that waits for the button to be stable may wait until the pause has ended.
  await chat.action.dispatchEvent("click");
  // Less than the shortest pause in total, so that no automatic retry can bring the answer.
  await expect(async () => {
    await page.clock.runFor(1);
    await expect(chat.send).toBeVisible({ timeout: 100 });
  }).toPass();
  await expect(chat.answer).toContainText("Hello");
});

test("a message to a busy server waits, and is sent when the server has capacity", async ({ page, context, sim, start, model }) => {
  const web = await start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1`, "Chat:MaxConcurrentTurns": 1 });
  const chat = new Chat(page);
  const other = new Chat(await context.newPage());
  await chat.open(web.url);
  await other.open(web.url);
  await model.set({ Fault: "Stall", FaultAfterTokens: 5, FaultTimes: 1 });
  await other.say("I was first");
  await expect(other.answer).not.toBeEmpty();
  await chat.page.bringToFront();
  await chat.say("Hello");
  await chat.expectNote(chat.words.waitingBusy, chat.words.tryNow);
  await other.stop.click();
  await chat.ended();
  await expect(chat.answer).toContainText("Hello");
});

test("a message waits while offline, and is sent at once when online again", async ({ chat, context }) => {
  await context.setOffline(true);
  await expect(chat.pill).toContainText(chat.words.modelStates.offline);
  await chat.say("Hello");
  await chat.expectNote(chat.words.waitingOffline, chat.words.tryNow);
  await context.setOffline(false);
  await chat.ended();
  await expect(chat.answer).toContainText("Hello");
});

test("a message into a dead tunnel is sent again after a minute, and at once when the reader asks for it", async ({ chat, page }) => {
  await page.clock.install();
  let held = 0;
  // The first two requests hang.
  await page.route("**/api/chat", (route) => (held < 2 ? void held++ : route.continue()));
  await chat.say("Hello");
  await chat.expectNote(chat.words.sending);
  await page.clock.runFor(61_000);
  await chat.expectNote(chat.words.waitingUnreachable, chat.words.tryNow);
  await expect(async () => {
    await page.clock.runFor(100);
    expect(held).toBe(2);
  }).toPass({ intervals: [50] });
  await chat.action.dispatchEvent("click");
  await page.clock.resume();
  await chat.ended();
  await expect(chat.answer).toContainText("Hello");
  await expect(chat.questions).toHaveText(["Hello"]);
});

test("the pill asks again instead of waiting for an answer that hangs", async ({ page, web }) => {
  let asked = 0;
  await page.route("**/api/model", (route) => (asked++ === 0 ? undefined : route.continue()));
  const chat = new Chat(page);
  const given = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/api/model"));
  await chat.open(web.url);
  await expect.poll(() => asked).toBe(1);
  // The network is back, or the reader comes back to the tab.
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await expect(chat.pill).toHaveAttribute("data-state", "ready");
  // What it would have said is out of date.
  await given;
});

test("the pill believes a model that answers more than a request that hangs", async ({ script: { chat, model }, page }) => {
  await expect(chat.pill).toHaveAttribute("data-state", "ready");
  await page.clock.install();
  let given = 0;
  await page.route("**/api/model*", () => {});
  page.on("requestfailed", (request) => request.url().includes("/api/model") && given++);
  await chat.say("Hello");
  const turn = await model.turn();
  const states = await page.evaluateHandle(() => {
    const states: string[] = [];
    const pill = document.querySelector<HTMLElement>(".pill")!;
    new MutationObserver(() => states.push(pill.dataset["state"]!)).observe(pill, { attributeFilter: ["data-state"] });
    return states;
  });
  for (let i = 0; given === 0; i++) {
    turn.say(`word${i} `);
    await expect(async () => {
      await page.clock.runFor(100);
      await expect(chat.answer).toContainText(`word${i}`, { timeout: 50 });
    }).toPass({ intervals: [50] });
    await page.clock.runFor(10_000);
  }
  turn.end();
  await page.clock.resume();
  await chat.ended();
  expect((await states.jsonValue()).filter((state) => state !== "ready")).toEqual([]);
});

test("the pill shows when the model goes away and when it returns", async ({ page, start }) => {
  const sim = await start("Llasta.ModelSim");
  const web = await start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1` });
  const chat = new Chat(page);
  await chat.open(web.url);
  await expect(chat.pill).toHaveAttribute("data-state", "ready");
  await sim.end();
  await page.clock.install();
  await expect(async () => {
    await page.clock.runFor(5000);
    await expect(chat.pill).toHaveAttribute("data-state", "loading", { timeout: 100 });
  }).toPass();
  await expect(chat.pill).toContainText("Qwen3-8B");
  await expect(chat.announcer).toHaveText(chat.words.modelLoading);
  await sim.start();
  await new ModelControl(sim).set({ TokensPerSecond: 0 });
  await expect(async () => {
    await page.clock.runFor(1000);
    await expect(chat.pill).toHaveAttribute("data-state", "ready", { timeout: 100 });
  }).toPass();
});
