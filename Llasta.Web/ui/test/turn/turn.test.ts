import { describe, expect, test } from "vitest";
import { beginTurn, mostFruitlessCuts, requestOf, step, type Turn, type TurnEvent } from "../../src/turn/turn.ts";
import type { Problem, ProblemCode } from "../../src/turn/wire.ts";

const history = [{ role: "user", content: "Hi" }] as const;
const fresh = (): Turn => beginTurn({ history, thinking: true });
const start: TurnEvent = { kind: "start", start: { id: "1", model: "Qwen/Qwen3-8B", contextWindow: 100 } };
const thought = (text: string): TurnEvent => ({ kind: "reasoning", text });
const said = (text: string): TurnEvent => ({ kind: "answer", text });
const cut: TurnEvent = { kind: "cut" };
const retry: TurnEvent = { kind: "retry" };
const failed = (code: ProblemCode, more: Partial<Problem> = {}): TurnEvent => ({ kind: "failed", problem: { code, detail: "", ...more } });

/** One event per 100 ms. */
const after = (turn: Turn, ...events: TurnEvent[]): Turn => events.reduce((turn, event, i) => step(turn, event, i * 100), turn);

describe("a turn", () => {
  test("thinks, answers and is done, with the figures of its end event", () => {
    const usage = { promptTokens: 9, completionTokens: 3 };
    const turn = after(fresh(), start, thought("Hm"), thought("m."), said("Hel"), said("lo"), {
      kind: "end",
      end: { state: "done", usage },
    });
    expect(turn).toMatchObject({ reasoning: "Hmm.", reasoningMs: 200, answer: "Hello", model: "Qwen/Qwen3-8B", usage });
    expect(turn.phase).toEqual({ kind: "ended", ending: { state: "done" } });
  });

  test.each(["length", "thinking-limit", "done"] as const)("ends as %s when the stream says so", (state) => {
    expect(after(fresh(), start, { kind: "end", end: { state } }).phase).toEqual({ kind: "ended", ending: { state } });
  });

  test("ignores whatever comes after its end", () => {
    const turn = after(fresh(), { kind: "stop" });
    expect(after(turn, said("late"), cut, retry)).toBe(turn);
  });

  test("is stopped in every phase, and keeps what it has", () => {
    for (const events of [[], [start], [start, thought("a")], [start, said("a")], [failed("busy")], [start, said("a"), cut]]) {
      const turn = after(fresh(), ...events, { kind: "stop" });
      expect(turn.phase).toEqual({ kind: "ended", ending: { state: "stopped" } });
      expect(turn.answer).toBe(events.some(({ kind }) => kind === "answer") ? "a" : "");
    }
  });
});

describe("a cut", () => {
  test.each([
    ["the stream ends", cut],
    ["the stream says truncated", { kind: "end", end: { state: "truncated" } } as TurnEvent],
  ])("in the answer is continued from the partial text when %s", (_, event) => {
    const turn = after(fresh(), start, thought("Hm."), said("Hel"), event, retry);
    expect(turn.phase.kind).toBe("sending");
    expect(requestOf(turn)).toEqual({
      messages: [...history, { role: "assistant", content: "Hel", reasoning: "Hm." }],
      thinking: true,
      continue: true,
    });
    expect(after(turn, start, said("lo")).answer).toBe("Hello");
  });

  test("in mid-thought asks again, and the new thinking replaces the old when it arrives", () => {
    const turn = after(fresh(), start, thought("Old"), cut, retry);
    expect(requestOf(turn)).toMatchObject({ messages: history, continue: false });
    expect(turn.reasoning).toBe("Old");
    expect(after(turn, start, thought("N"), thought("ew")).reasoning).toBe("New");
  });

  test("is followed by growing pauses, and ends the turn after a bounded number", () => {
    let turn = after(fresh(), start, said("Hel"));
    const pauses: number[] = [];
    for (let i = 0; i < mostFruitlessCuts; i++) {
      turn = step(turn, cut, 0);
      if (turn.phase.kind === "resuming") pauses.push(turn.phase.until);
      turn = step(turn, retry, 0);
    }
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000]);
    expect(step(turn, cut, 0).phase).toEqual({ kind: "ended", ending: { state: "truncated" } });
  });

  test("is continued after any number of refusals", () => {
    let turn = fresh();
    for (let i = 0; i <= mostFruitlessCuts; i++) turn = step(step(turn, failed("unreachable"), 0), retry, 0);
    expect(step(turn, cut, 0).phase.kind).toBe("resuming");
  });

  test("after more answer text restarts the count; restarted thinking doesn't", () => {
    expect(after(fresh(), start, said("a"), cut, retry, start, said("b"), cut).fruitless).toBe(1);
    expect(after(fresh(), start, thought("a"), cut, retry, start, thought("b"), cut).fruitless).toBe(2);
  });
});

describe("a failure", () => {
  test.each(["unreachable", "busy"] as const)("%s waits and is sent again", (cause) => {
    const turn = step(fresh(), failed(cause), 1000);
    expect(turn.phase).toEqual({ kind: "waiting", cause, until: 1250 });
    expect(step(turn, retry, 2000).phase).toEqual({ kind: "sending", retries: cause });
  });

  test("waits as long as Retry-After says, if that is longer", () => {
    expect(step(fresh(), failed("busy", { retryAfterSeconds: 30 }), 0).phase).toMatchObject({ until: 30_000 });
  });

  test("waits at most 8 seconds between two retries, without a limit", () => {
    let turn = fresh();
    for (let i = 0; i < 50; i++) turn = step(step(turn, failed("unreachable"), 0), retry, 0);
    expect(step(turn, failed("unreachable"), 0).phase).toMatchObject({ until: 8000 });
  });

  test("unreachable in mid-answer is continued from the partial text", () => {
    const turn = after(fresh(), start, said("Hel"), cut, retry, failed("unreachable"), retry);
    expect(requestOf(turn)).toMatchObject({ continue: true, messages: [...history, { content: "Hel" }] });
  });

  test.each([
    "invalid-request",
    "too-large",
    "forbidden-origin",
    "context-overflow",
    "model-auth",
    "model-not-found",
    "model-error",
  ] as const)("%s ends the turn, and never becomes text", (code) => {
    const turn = after(fresh(), start, said("a"), failed(code, { detail: "why" }));
    expect(turn.phase).toEqual({ kind: "ended", ending: { state: "failed", problem: { code, detail: "why" } } });
    expect(turn.answer).toBe("a");
  });
});

describe("the figures at the end", () => {
  const ended: TurnEvent = {
    kind: "end",
    end: { state: "done", usage: { promptTokens: 20, completionTokens: 3 }, timings: { firstTokenMs: 1, tokensPerSecond: 8 } },
  };
  const whole = { tokens: 3, timings: { firstTokenMs: 1, tokensPerSecond: 8 } };

  test.each([
    ["in one piece", [start, said("a")]],
    ["that was refused first", [failed("busy"), retry, start, said("a")]],
    ["that was cut in mid-thought", [start, thought("Hm"), cut, retry, start, said("a")]],
  ])("of an answer %s are those of its request", (_, events) => {
    expect(after(fresh(), ...events, ended)).toMatchObject(whole);
  });

  test("of an answer continued after its limit cover both parts", () => {
    const partial = { answer: "Hel", reasoning: "", reasoningSkipped: false, tokens: 10, timings: { firstTokenMs: 5, tokensPerSecond: 9 } };
    const turn = after(beginTurn({ history, thinking: false, partial }), start, said("lo"), ended);
    expect(turn).toMatchObject({ tokens: 13, timings: { firstTokenMs: 5, tokensPerSecond: 8 } });
  });

  test("of an answer that was cut don't present a part as the whole", () => {
    const turn = after(fresh(), start, said("Hel"), cut, retry, start, said("lo"), ended);
    expect(turn.tokens).toBeUndefined();
    expect(turn.timings).toEqual({ firstTokenMs: undefined, tokensPerSecond: 8 });
    expect(turn.usage).toEqual({ promptTokens: 20, completionTokens: 3 });
  });
});

describe("answer now", () => {
  test("asks again without thinking, and keeps the thinking for the reader but not for the model", () => {
    const turn = after(fresh(), start, thought("Hm"), { kind: "answer-now" });
    expect(turn).toMatchObject({ phase: { kind: "sending" }, reasoning: "Hm", reasoningMs: 100, reasoningSkipped: true });
    expect(requestOf(turn)).toEqual({ messages: history, thinking: false, continue: false });
    expect(requestOf(after(turn, said("a"))).messages.at(-1)).toEqual({ role: "assistant", content: "a" });
  });

  test("does nothing once the answer has begun", () => {
    const turn = after(fresh(), start, said("a"));
    expect(step(turn, { kind: "answer-now" }, 0)).toBe(turn);
  });
});

test("a partial answer is continued", () => {
  const turn = beginTurn({ history, thinking: false, partial: { answer: "Hel", reasoning: "Hm.", reasoningSkipped: true } });
  expect(requestOf(turn)).toEqual({ messages: [...history, { role: "assistant", content: "Hel" }], thinking: false, continue: true });
  expect(after(turn, said("lo")).answer).toBe("Hello");
});
