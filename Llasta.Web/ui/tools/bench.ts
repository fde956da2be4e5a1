/*
 * Measures what a long answer costs the page: streams --tokens at --rate into a conversation of --messages, in a real
 * Chromium in front of the real servers, and prints the main thread's time per token from the beginning to the end.
 * It measures thread time instead of wall-clock time, so that a busy machine changes little.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { chromium, expect } from "@playwright/test";
import { Chat } from "../e2e/support/chat.ts";
import { launch } from "../e2e/support/launch.ts";
import { Service } from "../e2e/support/service.ts";
import { ModelControl, plainModel } from "../e2e/support/modelControl.ts";

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    tokens: { type: "string", default: "32000" },
    rate: { type: "string", default: "100" },
    messages: { type: "string", default: "40" },
    slices: { type: "string", default: "8" },
    // Counting frames makes the browser produce all of them, which costs time too: see the line "at rest".
    frames: { type: "boolean", default: false },
  },
});
const tokens = Number(values.tokens);
const rate = Number(values.rate);
const messages = Number(values.messages);
const slices = Number(values.slices);

interface Cost {
  readonly task: number;
  readonly script: number;
  readonly layout: number;
  readonly style: number;
}

interface Seen {
  readonly frames: number;
  readonly dropped: number;
  readonly lateFrames: number;
  readonly longestFrame: number;
  readonly longTasks: number;
  readonly longestTask: number;
}

const sim = await Service.start("Llasta.ModelSim");
const web = await Service.start("Llasta.Web", { OPENAI_API_BASE_URL: `${sim.url}/v1` });
const browser = await chromium.launch(launch);
try {
  const model = new ModelControl(sim);
  await model.set({ ...plainModel, ContextWindow: 1_000_000 });
  const page = await browser.newPage({ viewport: { width: 1100, height: 800 } });
  const chat = new Chat(page);
  await chat.open(web.url);
  await chat.think(false);
  for (let i = 0; i < messages / 2; i++) await chat.ask(`Write 300 tokens, number ${i}`);
  await model.clear();
  await model.set({ TokensPerSecond: rate });

  const inspector = await page.context().newCDPSession(page);
  await inspector.send("Performance.enable", { timeDomain: "threadTicks" });
  const cost = async (): Promise<Cost> => {
    const { metrics } = await inspector.send("Performance.getMetrics");
    const ms = (name: string) => metrics.find((metric) => metric.name === name)!.value * 1000;
    return { task: ms("TaskDuration"), script: ms("ScriptDuration"), layout: ms("LayoutDuration"), style: ms("RecalcStyleDuration") };
  };
  await page.evaluate(watchFrames, values.frames);
  const seen = () => page.evaluate(() => (window as unknown as { takeSeen(): Seen }).takeSeen());
  const sent = async () => (await model.requests()).at(-1)?.tokensSent ?? 0;

  console.log(`${tokens} tokens at ${rate}/s into ${messages} messages; ${browser.version()}; load ${loadavg()[0]!.toFixed(1)}`);
  console.log("tokens           ms/token   script   layout    style   frames dropped   late  longest frame  long tasks  longest task");
  const row = (
    name: string,
    count: number,
    from: Cost,
    to: Cost,
    { frames, dropped, lateFrames, longestFrame, longTasks, longestTask }: Seen,
  ) => {
    const per = (a: number, b: number) => ((b - a) / count).toFixed(3).padStart(8);
    console.log(
      `${name.padEnd(16)} ${per(from.task, to.task)} ${per(from.script, to.script)} ${per(from.layout, to.layout)} ${per(from.style, to.style)} ${(values.frames ? String(frames) : "–").padStart(8)} ${(values.frames ? String(dropped) : "–").padStart(7)} ${String(lateFrames).padStart(6)} ${`${longestFrame.toFixed(0)} ms`.padStart(14)} ${String(longTasks).padStart(11)} ${`${longestTask.toFixed(0)} ms`.padStart(13)}`,
    );
  };

  // The page at rest with the measuring code, as if tokens arrived at the same rate.
  await seen();
  const rest = await cost();
  await page.waitForTimeout(3000);
  row("(at rest)", 3 * rate, rest, await cost(), await seen());

  await chat.say(`Write ${tokens} tokens`);
  let before = await cost();
  const first = before;
  let done = 0;
  const perToken: number[] = [];
  for (let slice = 1; slice <= slices; slice++) {
    const goal = Math.floor((tokens * slice) / slices);
    // The progress is read from the model: reading it from the page would be work for the page's main thread.
    await expect
      .poll(async () => (await sent()) >= goal || (await model.requests()).at(-1)?.state === "finished", {
        timeout: 3_600_000,
        intervals: [200],
      })
      .toBe(true);
    const [now, count, frames] = [await cost(), await sent(), await seen()];
    row(`${done} – ${count}`, Math.max(1, count - done), before, now, frames);
    perToken.push((now.task - before.task) / Math.max(1, count - done));
    before = now;
    done = count;
  }
  await chat.ended();
  console.log(
    `whole answer: ${((before.task - first.task) / done).toFixed(3)} ms of main thread per token, ${(perToken.at(-1)! / perToken[0]!).toFixed(2)} times as much at the end as at the beginning; load at the end ${loadavg()[0]!.toFixed(1)}`,
  );
} finally {
  await browser.close();
  await web.end();
  await sim.end();
}

function watchFrames(count: boolean): void {
  let frames = 0,
    dropped = 0,
    lateFrames = 0,
    longestFrame = 0,
    longTasks = 0,
    longestTask = 0;
  let last = performance.now();
  const frame = (now: number) => {
    frames++;
    dropped += Math.max(0, Math.round((now - last) / (1000 / 60)) - 1);
    last = now;
    requestAnimationFrame(frame);
  };
  if (count) requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      lateFrames++;
      longestFrame = Math.max(longestFrame, duration);
    }
  }).observe({ type: "long-animation-frame" });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      longTasks++;
      longestTask = Math.max(longestTask, duration);
    }
  }).observe({ type: "longtask" });
  Object.assign(window, {
    takeSeen() {
      const seen = { frames, dropped, lateFrames, longestFrame, longTasks, longestTask };
      frames = dropped = lateFrames = longestFrame = longTasks = longestTask = 0;
      return seen;
    },
  });
}
