import { describe, expect, test } from "vitest";
import {
  answerOf,
  dropToFit,
  emptyConversation,
  messagesOf,
  newExchange,
  turnFor,
  type Answer,
  type Conversation,
} from "../../src/conversation/conversation.ts";
import { beginTurn, step } from "../../src/turn/turn.ts";
import { fromJson, toJson, toMarkdown } from "../../src/conversation/transfer.ts";

const answer = (text: string, more: Partial<Answer> = {}): Answer => ({
  text,
  reasoning: "",
  reasoningSkipped: false,
  state: "done",
  ...more,
});
const conversation = (...pairs: [string, Answer?][]): Conversation => ({
  ...emptyConversation,
  exchanges: pairs.map(([question, answer]) => newExchange(question, answer)),
});

describe("the messages sent", () => {
  test("are the system prompt, then alternating questions and answers, without thinking", () => {
    const sent = messagesOf({ ...conversation(["a", answer("A", { reasoning: "Hm" })], ["b"]), system: "Be brief." });
    expect(sent).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "a" },
      { role: "assistant", content: "A" },
      { role: "user", content: "b" },
    ]);
  });

  test("leave out dropped exchanges", () => {
    expect(messagesOf({ ...conversation(["a", answer("A")], ["b"]), dropped: 1 })).toEqual([{ role: "user", content: "b" }]);
  });

  test("join unanswered questions, so that the roles alternate", () => {
    const sent = messagesOf(conversation(["a"], ["b", answer("", { reasoning: "Hm", state: "stopped" })], ["c", answer("C")]), "d");
    expect(sent).toEqual([
      { role: "user", content: "a\n\nb\n\nc" },
      { role: "assistant", content: "C" },
      { role: "user", content: "d" },
    ]);
  });

  test("to continue are the conversation and the partial answer", () => {
    const partial = answer("B so far", { reasoning: "Hm", state: "stopped" });
    const begun = conversation(["a", answer("A")], ["b", partial]);
    expect(turnFor(begun, true, true)).toMatchObject({ partial: { answer: "B so far", reasoning: "Hm" } });
    expect(turnFor(begun, true, true).history.at(-1)).toEqual({ role: "user", content: "b" });
    expect(turnFor(begun, true, false).partial).toBeUndefined();
  });
});

describe("the answer of a turn", () => {
  const told = { usage: { promptTokens: 9, completionTokens: 3 }, tokens: 3, timings: { firstTokenMs: 5 } };
  const old = answer("B so far", { state: "length", ...told });
  const going = beginTurn(turnFor(conversation(["b", old]), true, true));

  test("keeps the figures of a text that didn't change", () => {
    expect(answerOf(step(going, { kind: "stop" }, 0), old)).toMatchObject({ state: "stopped", text: "B so far", ...told });
  });

  test("has no figures for a text that wasn't counted", () => {
    const stopped = [{ kind: "answer", text: ", and more" }, { kind: "stop" }] as const;
    const left = answerOf(
      stopped.reduce((turn, event) => step(turn, event, 0), going),
      old,
    );
    expect(left).toMatchObject({ state: "stopped", text: "B so far, and more", usage: undefined, tokens: undefined });
  });
});

describe("dropping the oldest exchanges", () => {
  const long = conversation(["a".repeat(400), answer("A".repeat(400))], ["b".repeat(100), answer("B".repeat(100))], ["c".repeat(100)]);

  test("drops as few as fit with room for an answer", () => {
    expect(dropToFit(long, 1100, 1000)).toBe(1);
    expect(dropToFit(long, 1100, 300)).toBe(2);
  });

  test("drops half where the counts aren't known", () => {
    expect(dropToFit(long)).toBe(1);
    expect(dropToFit({ ...long, dropped: 1 })).toBe(2);
  });

  test("never drops the last one, which is too long on its own", () => {
    expect(dropToFit({ ...long, dropped: 2 }, 1100, 10)).toBeNull();
  });
});

describe("a saved conversation", () => {
  const saved: Conversation = {
    ...conversation(
      [
        "a",
        answer("**A**\n", {
          reasoning: "Hm",
          reasoningMs: 1200,
          model: "Qwen/Qwen3-8B",
          usage: { promptTokens: 9, completionTokens: 3, reasoningTokens: 2 },
          tokens: 7,
          timings: { firstTokenMs: 5 },
        }),
      ],
      ["b 👋\u0000", answer("", { state: "thinking-limit", reasoningSkipped: true })],
      ["c"],
    ),
    system: "Be brief.",
    dropped: 1,
  };
  const withoutIds = ({ exchanges, ...rest }: Conversation) => ({
    ...rest,
    exchanges: exchanges.map(({ question, answer }) => ({ question, answer })),
  });

  test("as JSON is read back the same, with new ids", () => {
    const back = fromJson(toJson(saved));
    expect(withoutIds(back)).toEqual(withoutIds(saved));
    expect(new Set([...saved.exchanges, ...back.exchanges].map(({ id }) => id)).size).toBe(6);
  });

  test.each([
    "",
    "null",
    "[]",
    "{}",
    '"x"',
    '{"format":"other","version":1}',
    '{"format":"llasta-conversation","version":2,"system":"","exchanges":[]}',
    '{"format":"llasta-conversation","version":1,"system":"","exchanges":{}}',
    '{"format":"llasta-conversation","version":1,"system":"","exchanges":[{"question":1}]}',
    '{"format":"llasta-conversation","version":1,"system":"","exchanges":[{"question":"a","answer":{"text":"A","reasoning":"","state":"strange"}}]}',
    '{"format":"llasta-conversation","version":1,"system":"","exchanges":[{"question":"a","answer":{"text":null,"reasoning":"","state":"done"}}]}',
  ])("that isn't one is refused: %s", (text) => {
    expect(() => fromJson(text)).toThrow(TypeError);
  });

  test("has at most as many dropped exchanges as it has exchanges", () => {
    expect(fromJson(toJson({ ...saved, dropped: 99 })).dropped).toBe(2);
    expect(fromJson(toJson({ ...emptyConversation, dropped: 99 })).dropped).toBe(0);
  });

  test("as Markdown is a document for people", () => {
    expect(toMarkdown(saved, { title: "Chat", system: "System", you: "You", thinking: "Thinking" })).toBe(
      "# Chat\n\n> **System:** Be brief.\n\n## You\n\na\n\n## Qwen/Qwen3-8B\n\n<details>\n<summary>Thinking</summary>\n\nHm\n\n</details>\n\n**A**\n\n## You\n\nb 👋\u0000\n\n## LLASTA\n\n## You\n\nc\n",
    );
  });
});
