import { expect, test } from "vitest";
import { eventOfKey, follow } from "../../src/scroll/follow.ts";

test("any movement up stops following, at once and from anywhere", () => {
  expect(follow(true, { kind: "moving", direction: "up" })).toBe(false);
  expect(follow(true, { kind: "moved", direction: "up", toEnd: 2 })).toBe(false);
});

test("a view that is moved up to the end still follows: the window grew, or bounced back", () => {
  expect(follow(true, { kind: "moved", direction: "up", toEnd: 0 })).toBe(true);
  expect(follow(false, { kind: "moved", direction: "up", toEnd: 0 })).toBe(false);
});

test("moving down follows again only when the end is reached", () => {
  expect(follow(false, { kind: "moving", direction: "down" })).toBe(false);
  expect(follow(false, { kind: "moved", direction: "down", toEnd: 300 })).toBe(false);
  expect(follow(false, { kind: "moved", direction: "down", toEnd: 10 })).toBe(true);
});

test("being far from the end doesn't stop following: content may have grown a lot", () => {
  expect(follow(true, { kind: "moved", direction: "down", toEnd: 5000 })).toBe(true);
  expect(follow(true, { kind: "moving", direction: "down" })).toBe(true);
});

test("asking for the end follows", () => {
  expect(follow(false, { kind: "to-end" })).toBe(true);
});

test.each([
  ["PageUp", false, "up"],
  ["ArrowUp", false, "up"],
  ["Home", false, "up"],
  [" ", true, "up"],
  [" ", false, "down"],

  ["a", false, undefined],
] as const)("the key %j (shift %j) moves %s", (key, shift, direction) =>
  expect(eventOfKey(key, shift)).toEqual(direction && { kind: "moving", direction }),
);

test("opening a section stops following, unless the end is still in view", () => {
  expect(follow(true, { kind: "unfolded", toEnd: 300 })).toBe(false);
  expect(follow(true, { kind: "unfolded", toEnd: 0 })).toBe(true);
  expect(follow(false, { kind: "unfolded", toEnd: 0 })).toBe(false);
});

test("the End key asks for the end, and selecting text stops following", () => {
  expect(eventOfKey("End", false)).toEqual({ kind: "to-end" });
  expect(follow(true, { kind: "selecting" })).toBe(false);
});
