import { describe, expect, test } from "vitest";
import { beginTurn, maxContinuations, requestOf, step, type Turn, type TurnEvent } from "../../src/turn/turn.ts";
import { problemCodes, type Problem, type ProblemCode } from "../../src/turn/wire.ts";

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

  test.each(["length", "window-full", "thinking-limit", "repetition", "filtered", "done"] as const)(
    "ends as %s when the stream says so",
    (state) => {
      expect(after(fresh(), start, { kind: "end", end: { state } }).phase).toEqual({ kind: "ended", ending: { state } });
    },
  );

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

  test("in mid-thought is continued inside the thought", () => {
    const turn = after(fresh(), start, thought("Hm, let "), cut, retry);
    expect(requestOf(turn)).toEqual({
      messages: [...history, { role: "assistant", content: "", reasoning: "Hm, let " }],
      thinking: true,
      continue: true,
    });
    expect(after(turn, start, thought("me see."), said("Yes.")).reasoning).toBe("Hm, let me see.");
  });

  test("in mid-thought, of a server that can't continue it: the new thinking replaces the old when it arrives", () => {
    const turn = after(fresh(), start, thought("Old"), cut, retry, start, { kind: "restart" });
    expect(turn.reasoning).toBe("Old");
    const repeated = after(turn, thought("N"), thought("ew"), said("Yes."));
    expect([repeated.reasoning, repeated.answer, repeated.restarted]).toEqual(["New", "Yes.", false]);
  });

  test("of a server that doesn't continue answers: the new answer replaces the partial one when it arrives, and is told", () => {
    const turn = after(fresh(), start, thought("Old"), said("Half of the "), cut, retry, start, { kind: "restart" });
    expect(turn.answer).toBe("Half of the ");
    const restarted = after(turn, said("The whole "), said("answer."));
    expect([restarted.reasoning, restarted.answer, restarted.restarted]).toEqual(["", "The whole answer.", true]);
    const again = after(turn, cut, retry);
    expect(again.answer).toBe("Half of the ");
  });

  test("after a skipped thought asks for the answer alone", () => {
    const turn = after(fresh(), start, thought("Old"), { kind: "answer-now" }, cut, retry);
    expect(requestOf(turn)).toMatchObject({ messages: history, thinking: false, continue: false });
  });

  test("is continued a bounded number of times, after growing pauses, even if each continuation adds text", () => {
    let turn = after(fresh(), start, said("Hel"));
    const pauses: number[] = [];
    for (let i = 0; i < maxContinuations; i++) {
      turn = step(turn, { kind: "end", end: { state: "truncated", detail: `Failure ${i}.` } }, 0);
      expect(turn.trouble).toEqual({ cause: "cut", detail: `Failure ${i}.`, since: 0 });
      if (turn.phase.kind === "paused") pauses.push(turn.phase.until);
      turn = after(turn, retry, start, said("."));
      expect(turn.trouble).toBeUndefined();
    }
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000]);
    expect(step(turn, { kind: "end", end: { state: "truncated", detail: "Why." } }, 0).phase).toEqual({
      kind: "ended",
      ending: { state: "truncated", detail: "Why." },
    });
    expect(turn.answer).toBe(`Hel${".".repeat(maxContinuations)}`);
  });

  test("is continued after any number of refusals", () => {
    let turn = fresh();
    for (let i = 0; i <= 2 * maxContinuations; i++) turn = step(step(turn, failed("unreachable"), 0), retry, 0);
    expect(step(turn, cut, 0).phase.kind).toBe("paused");
  });
});

describe("a failure", () => {
  test.each(["unreachable", "busy"] as const)("%s waits and is sent again", (cause) => {
    const turn = step(fresh(), failed(cause, { detail: "why" }), 1000);
    expect(turn.phase).toEqual({ kind: "paused", until: 1250 });
    expect(turn.trouble).toEqual({ cause, detail: "why", since: 1000 });
    expect(step(turn, retry, 2000)).toMatchObject({ phase: { kind: "sending", since: 2000 }, trouble: { cause } });
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

  test("of the server before the stream is retried three times within a minute, and then told", () => {
    for (const jitter of [0, 1]) {
      let turn = fresh();
      let now = 0;
      for (let i = 0; i < 3; i++) {
        turn = step(turn, failed("model-error", { retryable: true, detail: "Engine." }), now, jitter);
        expect(turn.trouble).toEqual({ cause: "error", detail: "Engine.", since: 0 });
        now = (turn.phase as { until: number }).until;
        turn = step(turn, retry, now);
      }
      expect(now).toBeLessThan(60_000);
      expect(step(turn, failed("model-error", { retryable: true, detail: "Engine." }), now).phase).toEqual({
        kind: "ended",
        ending: { state: "model-error", detail: "Engine." },
      });
    }
  });

  test("of the server before the stream is retried after a wait for an unreachable one too", () => {
    let turn = fresh();
    for (let i = 0; i < 20; i++) turn = step(step(turn, failed("unreachable"), 0), retry, 0);
    expect(step(turn, failed("model-error", { retryable: true }), 0).phase).toEqual({ kind: "paused", until: 2000 });
  });

  test("of the server after a cut is retried for as long as a server may need to start", () => {
    let turn = after(fresh(), start, said("Hel"), cut, retry);
    for (let now = 1000; now < 25 * 60_000; now += 60_000) {
      turn = step(turn, failed("model-error", { retryable: true }), now);
      expect(turn.phase.kind).toBe("paused");
      turn = step(turn, retry, now);
    }
    expect(step(turn, failed("model-error", { retryable: true }), 31 * 60_000).phase).toMatchObject({ ending: { state: "model-error" } });
    expect(turn.answer).toBe("Hel");
  });

  test("of the server in mid-answer isn't retried: the same request would fail again", () => {
    expect(after(fresh(), start, said("a"), failed("model-error", { retryable: true })).phase).toEqual({
      kind: "ended",
      ending: { state: "model-error" },
    });
  });

  test.each(problemCodes.filter((code) => code !== "unreachable" && code !== "busy"))(
    "%s ends the turn, and never becomes text",
    (code) => {
      const turn = after(fresh(), start, said("a"), failed(code, { detail: "why" }));
      expect(turn.phase).toEqual({ kind: "ended", ending: { state: code, detail: "why" } });
      expect(turn.answer).toBe("a");
    },
  );
});

test("A closing tag alone makes all text of the answer so far its thinking", () => {
  const turn = after(fresh(), start, said("The user greets me."), { kind: "all-reasoning" }, said("Hello!"));
  expect([turn.reasoning, turn.answer]).toEqual(["The user greets me.", "Hello!"]);
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
    ["that was thought again after a cut", [start, thought("Hm"), cut, retry, start, { kind: "restart" } as const, said("a")]],
  ])("of an answer %s are those of its request", (_, events) => {
    expect(after(fresh(), ...events, ended)).toMatchObject(whole);
  });

  test("of an answer continued after its limit cover both parts", () => {
    const partial = {
      answer: "Hel",
      reasoning: "",
      reasoningSkipped: false,
      tokens: 10,
      streamedMs: 900,
      timings: { firstTokenMs: 5, tokensPerSecond: 9 },
    };
    // The second part arrives in 100 ms.
    const turn = after(beginTurn({ history, thinking: false, partial }), start, said("l"), said("o"), ended);
    expect(turn).toMatchObject({ tokens: 13, streamedMs: 1000, timings: { firstTokenMs: 5, tokensPerSecond: 13 } });
  });

  test("of an answer that was cut don't present a part as the whole", () => {
    const turn = after(fresh(), start, said("Hel"), cut, retry, start, said("lo"), ended);
    expect(turn.tokens).toBeUndefined();
    expect(turn.timings).toEqual({ firstTokenMs: 100 });
    expect(turn.usage).toEqual({ promptTokens: 20, completionTokens: 3 });
  });

  test("of an answer that was cut include the time of all its parts", () => {
    const turn = after(fresh(), start, said("H"), said("el"), cut, retry, start, said("l"), said("o"), ended);
    expect(turn.streamedMs).toBe(200);
  });
});

describe("answer now", () => {
  test("asks again without thinking, and keeps the thinking for the reader but not for the model", () => {
    const turn = after(fresh(), start, thought("Hm"), { kind: "answer-now" });
    expect(turn).toMatchObject({ phase: { kind: "sending", since: 200 }, reasoning: "Hm", reasoningMs: 100, reasoningSkipped: true });
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

describe("sampling", () => {
  const sampling = { thinking: { temperature: 0.6, thinkingTokens: 100 }, direct: { seed: 7 } };

  test("is that of the turn's mode, also after the thinking was skipped", () => {
    const turn = beginTurn({ history, thinking: true, sampling });
    expect(requestOf(turn).sampling).toEqual(sampling.thinking);
    expect(requestOf(after(turn, start, thought("Hm"), { kind: "answer-now" })).sampling).toEqual(sampling.direct);
  });

  test("is left out of the request where nothing was chosen", () => {
    expect(requestOf(fresh())).not.toHaveProperty("sampling");
  });
});
