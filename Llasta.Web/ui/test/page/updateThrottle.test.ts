import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UpdateThrottle } from "../../src/page/updateThrottle.ts";
import { updateIntervalMs } from "../../src/turn/pace.ts";

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/** Requests an update every millisecond; each update takes `cost` milliseconds. @returns the times of the updates. */
function updatesWithin(milliseconds: number, cost: number): number[] {
  const times: number[] = [];
  const throttle = new UpdateThrottle(() => {
    times.push(performance.now());
    vi.advanceTimersByTime(cost);
  });
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    throttle.request();
    vi.advanceTimersByTime(1);
  }
  return times;
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, i) => time - times[i]!);

test("the first request is served at once, later ones at the interval", () => {
  const times = updatesWithin(400, 0);
  expect(times[0]).toBeLessThanOrEqual(1);
  for (const gap of gaps(times)) expect(gap).toBeGreaterThanOrEqual(updateIntervalMs);
  expect(times.length).toBeGreaterThan(7);
});

test("expensive updates come less often, but never less often than twice a second", () => {
  const slow = gaps(updatesWithin(6000, 10));
  expect(slow.at(-1)).toBeGreaterThan(2 * updateIntervalMs);
  const slowest = gaps(updatesWithin(12_000, 100));
  for (const gap of slowest) expect(gap).toBeLessThanOrEqual(510);
});

test("nothing is updated without a request", () => {
  let updates = 0;
  const throttle = new UpdateThrottle(() => updates++);
  throttle.request();
  vi.advanceTimersByTime(10_000);
  expect(updates).toBe(1);
});
