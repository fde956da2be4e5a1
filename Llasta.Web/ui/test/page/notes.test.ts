import { describe, expect, test } from "vitest";
import { type Answer, newExchange } from "../../src/conversation/conversation.ts";
import { draftOf } from "../../src/conversation/draft.ts";
import { endedNote, type NoteActions, runningNote } from "../../src/page/notes.ts";
import { beginTurn, step, type Turn, type TurnEvent } from "../../src/turn/turn.ts";
import { endStates, type ModelStatus, problemCodes } from "../../src/turn/wire.ts";
import { en } from "../../src/words/en.ts";
import { fr } from "../../src/words/fr.ts";

const nothing = () => {};
const actions: NoteActions = {
  continueAnswer: nothing,
  answerWithoutThinking: nothing,
  regenerate: nothing,
  leaveOutOldest: nothing,
  tryNow: nothing,
  save: nothing,
};
const exchange = (answer: Partial<Answer> & Pick<Answer, "state">) =>
  newExchange(draftOf("a"), { text: "A", reasoning: "", reasoningSkipped: false, ...answer });
const ended = (answer: Partial<Answer> & Pick<Answer, "state">, leaveOut: number | null = null) =>
  endedNote(exchange(answer), true, leaveOut, en, actions);
const labels = (note: ReturnType<typeof ended>) => note?.actions?.map(({ label }) => label);

describe("the note of an answer that has ended", () => {
  test("is missing if the answer is complete", () => {
    expect(ended({ state: "done" })).toBeUndefined();
  });

  test.each([...endStates, ...problemCodes, "stopped"] as const)("as %s has words in every language, and an action or none", (state) => {
    if (state === "done") return;
    for (const words of [en, fr]) {
      const note = endedNote(exchange({ state }), true, 2, words, actions);
      expect(note?.text).toBe(words.states[state]);
      expect(note?.actions?.length).toBeGreaterThan(0);
    }
  });

  test.each([
    ["stopped", [en.continue]],
    ["length", [en.continue]],
    ["truncated", [en.continue]],
    ["thinking-limit", [en.answerWithoutThinking]],
    ["repetition", [en.regenerate]],
    ["filtered", [en.regenerate]],
    ["model-error", [en.tryAgain]],
    ["signed-out", [en.exportJson, en.tryAgain]],
  ] as const)("%s offers %j", (state, offered) => {
    expect(labels(ended({ state }))).toEqual(offered);
  });

  test("offers to leave out turns if there are any", () => {
    expect(labels(ended({ state: "window-full" }, 2))).toEqual([en.leaveOutOldest(2)]);
    expect(labels(ended({ state: "window-full" }))).toEqual([]);
    expect(labels(ended({ state: "context-overflow" }, 1))).toEqual([en.leaveOutOldest(1)]);
  });

  test("shows the server's sentence, or what to do about a state", () => {
    expect(ended({ state: "model-error", detail: "CUDA out of memory." })?.detail).toBe("CUDA out of memory.");
    expect(ended({ state: "model-auth", detail: "Unauthorized" })?.detail).toBe(en.hints["model-auth"]);
  });

  test("stays when other exchanges follow, without an action; an unanswered question isn't sent, and the note says so", () => {
    expect(endedNote(exchange({ state: "stopped" }), false, null, en, actions)).toEqual({ tone: "quiet", text: en.states.stopped });
    const failed = endedNote(exchange({ state: "busy", text: "" }), false, null, en, actions);
    expect(failed).toEqual({ tone: "quiet", text: `${en.states.busy} ${en.notSent}` });
  });
});

describe("the note of a running turn", () => {
  const after = (...events: TurnEvent[]): Turn =>
    events.reduce((turn, event) => step(turn, event, 1000), beginTurn({ history: [], thinking: true }, 0));
  const model = (state: ModelStatus["state"]): ModelStatus => ({ state, simulated: false });
  const note = (turn: Turn, now: number, state: ModelStatus["state"] = "ready") => runningNote(turn, model(state), now, en, actions);
  const refused: TurnEvent = { kind: "failed", problem: { code: "unreachable", detail: "refused", retryAfterSeconds: 10 } };

  test("says how long the first token has been awaited", () => {
    expect(note(after(), 65_400)).toEqual({ tone: "quiet", text: en.sending, time: "1:05" });
  });

  test("is missing while text arrives", () => {
    expect(note(after({ kind: "answer", text: "a" }), 2000)).toBeUndefined();
  });

  test("counts down to the next try", () => {
    expect(note(after(refused), 2000)).toMatchObject({ text: en.waitingUnreachable, time: en.nextTry("0:09") });
    expect(labels(note(after(refused), 2000))).toEqual([en.tryNow]);
  });

  test("says that a model loads, and after a minute that it may not run", () => {
    expect(note(after(refused), 2000, "loading")).toMatchObject({ text: en.waitingLoading, detail: undefined });
    expect(note(after(refused), 62_000, "offline")).toMatchObject({ text: en.waitingOffline, detail: undefined });
    expect(note(after(refused), 62_000, "loading")).toMatchObject({ text: en.waitingLoadingLong, detail: en.hints.unreachable });
  });

  test("of an answer that was cut shows the server's sentence", () => {
    const cut = after({ kind: "answer", text: "a" }, { kind: "end", end: { state: "truncated", detail: "EngineCore died." } });
    expect(note(cut, 1000)).toMatchObject({ text: en.resuming, detail: "EngineCore died." });
  });
});
