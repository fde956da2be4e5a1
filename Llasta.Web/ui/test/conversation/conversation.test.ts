import { describe, expect, test } from "vitest";
import {
  type Answer,
  answerOf,
  type Conversation,
  emptyConversation,
  type Exchange,
  leaveOutToFit,
  messagesOf,
  newExchange,
  showVersion,
  turnFor,
  versionOf,
  withOldestLeftOut,
  withVersion,
} from "../../src/conversation/conversation.ts";
import { draftOf, fenced, textOf } from "../../src/conversation/draft.ts";
import { fromJson, toJson, toMarkdown } from "../../src/conversation/transfer.ts";
import { beginTurn, step } from "../../src/turn/turn.ts";

const answer = (text: string, more: Partial<Answer> = {}): Answer => ({
  text,
  reasoning: "",
  reasoningSkipped: false,
  state: "done",
  ...more,
});
const conversation = (...pairs: [string, Answer?][]): Conversation => ({
  ...emptyConversation,
  exchanges: pairs.map(([question, answer]) => newExchange(draftOf(question), answer)),
});

describe("the messages sent", () => {
  test("are the system prompt, then alternating questions and answers, without thinking", () => {
    const sent = messagesOf({ ...conversation(["a", answer("A", { reasoning: "Hm" })]), system: "Be brief." }, draftOf("b"));
    expect(sent).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "a" },
      { role: "assistant", content: "A" },
      { role: "user", content: "b" },
    ]);
  });

  test("leave out exchanges that were left out", () => {
    const { exchanges } = conversation(["a", answer("A")], ["b", answer("B")]);
    const leftOut = { ...emptyConversation, exchanges: [{ ...exchanges[0]!, leftOut: true }, exchanges[1]!] };
    expect(messagesOf(leftOut).map(({ content }) => content)).toEqual(["b", "B"]);
  });

  test("leave out unanswered questions, so that the roles alternate and no question is sent unseen", () => {
    const failed = answer("", { state: "model-error", detail: "why" });
    const sent = messagesOf(
      conversation(["a", failed], ["b", answer("", { reasoning: "Hm", state: "stopped" })], ["c", answer("C")]),
      draftOf("d"),
    );
    expect(sent).toEqual([
      { role: "user", content: "c" },
      { role: "assistant", content: "C" },
      { role: "user", content: "d" },
    ]);
  });

  test("carry files before the text, in fences that the files can't close", () => {
    const draft = draftOf("What is this?", [
      { name: "a.py", text: "print(1)\n" },
      { name: "b.md", text: "````\ncode\n````" },
    ]);
    expect(messagesOf(emptyConversation, draft)).toEqual([
      { role: "user", content: "a.py:\n\n```py\nprint(1)\n```\n\nb.md:\n\n`````md\n````\ncode\n````\n`````\n\nWhat is this?" },
    ]);
    expect(textOf(draftOf("", [{ name: "x", text: "y" }]))).toBe(fenced({ name: "x", text: "y" }));
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

describe("leaving out the oldest exchanges", () => {
  const long = conversation(["a".repeat(400), answer("A".repeat(400))], ["b".repeat(100), answer("B".repeat(100))], ["c".repeat(100)]);

  test("leaves out as few as fit with room for an answer", () => {
    expect(leaveOutToFit(long, 1100, 1000)).toBe(1);
    expect(leaveOutToFit(long, 1100, 300)).toBe(2);
  });

  test("leaves out half where the counts aren't known", () => {
    expect(leaveOutToFit(long)).toBe(1);
    expect(leaveOutToFit(withOldestLeftOut(long, 1))).toBe(1);
  });

  test("never leaves out the last one, which is too long on its own", () => {
    expect(leaveOutToFit(withOldestLeftOut(long, 2), 1100, 10)).toBeNull();
    expect(withOldestLeftOut(long, 9).exchanges.map(({ leftOut }) => leftOut ?? false)).toEqual([true, true, false]);
  });

  test("counts on from those that were left out before", () => {
    expect(withOldestLeftOut(withOldestLeftOut(long, 1), 1).exchanges.map(({ leftOut }) => leftOut ?? false)).toEqual([true, true, false]);
  });
});

describe("versions", () => {
  const questions = ({ exchanges }: Conversation) => exchanges.map(({ question }) => question.text);
  const first = conversation(["a", answer("A")], ["b", answer("B")], ["c", answer("C")]);
  const edited = withVersion(first, first.exchanges[1]!.id, newExchange(draftOf("b2"), answer("B2")));

  test("a new version ends the conversation, and the old one is kept with all that followed it", () => {
    expect(questions(edited)).toEqual(["a", "b2"]);
    expect(versionOf(edited.exchanges[1]!)).toEqual({ number: 2, count: 2 });
    const back = showVersion(edited, edited.exchanges[1]!.id, "earlier");
    expect(questions(back)).toEqual(["a", "b", "c"]);
    expect(versionOf(back.exchanges[1]!)).toEqual({ number: 1, count: 2 });
    expect(questions(showVersion(back, back.exchanges[1]!.id, "later"))).toEqual(["a", "b2"]);
  });

  test("going beyond the first or the last changes nothing", () => {
    expect(showVersion(edited, edited.exchanges[1]!.id, "later")).toBe(edited);
    expect(showVersion(first, first.exchanges[0]!.id, "earlier")).toBe(first);
  });

  test("each version keeps what was added to it, and its own versions", () => {
    const longer: Conversation = { ...edited, exchanges: [...edited.exchanges, newExchange(draftOf("d"), answer("D"))] };
    const nested = withVersion(longer, longer.exchanges[2]!.id, newExchange(draftOf("d2")));
    const away = showVersion(nested, nested.exchanges[1]!.id, "earlier");
    expect(questions(away)).toEqual(["a", "b", "c"]);
    const back = showVersion(away, away.exchanges[1]!.id, "later");
    expect(questions(back)).toEqual(["a", "b2", "d2"]);
    expect(versionOf(back.exchanges[2]!)).toEqual({ number: 2, count: 2 });
  });

  test("a new version in the middle comes last", () => {
    const middle = showVersion(edited, edited.exchanges[1]!.id, "earlier");
    const third = withVersion(middle, middle.exchanges[1]!.id, newExchange(draftOf("b3")));
    expect(versionOf(third.exchanges[1]!)).toEqual({ number: 3, count: 3 });
    const ids = new Set<number>();
    for (let at = third; !ids.has(at.exchanges[1]!.id); at = showVersion(at, at.exchanges[1]!.id, "earlier")) ids.add(at.exchanges[1]!.id);
    expect(ids.size).toBe(3);
  });
});

describe("a saved conversation", () => {
  const plain: Conversation = {
    ...conversation(
      [
        "a",
        answer("**A**\n", {
          reasoning: "Hm",
          reasoningMs: 1200,
          model: "Qwen/Qwen3-8B",
          usage: { promptTokens: 9, completionTokens: 3, reasoningTokens: 2 },
          tokens: 7,
          streamedMs: 80,
          timings: { firstTokenMs: 5, queueMs: 200 },
        }),
      ],
      ["b 👋\u0000", answer("", { state: "thinking-limit", reasoningSkipped: true })],
      ["c", answer("C so far", { state: "truncated", detail: "The engine died." })],
      ["d", answer("", { state: "context-overflow", promptTokens: 110, contextWindow: 100 })],
      ["e"],
    ),
    system: "Be brief.",
  };
  const withFile = withVersion(
    plain,
    plain.exchanges[4]!.id,
    newExchange(draftOf("e2", [{ name: "x.txt", text: "x" }]), answer("E", { edited: true, state: "stopped" }), "Shorter."),
  );
  const saved: Conversation = withOldestLeftOut(withFile, 1);
  type Plain = Omit<Exchange, "id" | "versions"> & { versions?: unknown };
  const withoutIds = (exchanges: readonly Exchange[]): Plain[] =>
    exchanges.map(({ id: _, versions, ...rest }) => ({
      ...rest,
      ...(versions && { versions: { earlier: versions.earlier.map(withoutIds), later: versions.later.map(withoutIds) } }),
    }));
  const ids = (exchanges: readonly Exchange[]): number[] =>
    exchanges.flatMap(({ id, versions }) => [id, ...(versions ? [...versions.earlier, ...versions.later].flatMap(ids) : [])]);

  test("as JSON is read back the same, with its states and versions, and with new ids", () => {
    const back = fromJson(toJson(saved));
    expect(withoutIds(back.exchanges)).toEqual(withoutIds(saved.exchanges));
    expect(back.system).toBe(saved.system);
    const all = [...ids(saved.exchanges), ...ids(back.exchanges)];
    expect(new Set(all).size).toBe(all.length);
    expect(toJson(back)).toBe(toJson(saved));
  });

  test("of version 1 opens, with its dropped exchanges left out", () => {
    const old = {
      format: "llasta-conversation",
      version: 1,
      system: "",
      dropped: 1,
      exchanges: [{ question: "a", answer: answer("A") }, { question: "b" }],
    };
    expect(fromJson(JSON.stringify(old)).exchanges).toMatchObject([
      { leftOut: true, question: { text: "a" } },
      { question: { text: "b" } },
    ]);
    expect(fromJson(JSON.stringify({ ...old, dropped: 99 })).exchanges.map(({ leftOut }) => leftOut ?? false)).toEqual([true, false]);
  });

  test.each([
    "",
    "null",
    "[]",
    "{}",
    '"x"',
    '{"messages":[]}',
    '{"messages":[{"role":"robot","content":"x"}]}',
    '{"messages":[{"role":"user","content":{"x":1}}]}',
    '{"format":"other","version":1,"messages":[{"role":"user","content":"x"}]}',
    '{"format":"llasta-conversation","version":3,"system":"","exchanges":[]}',
    '{"format":"llasta-conversation","version":1,"system":"","exchanges":{}}',
    '{"format":"llasta-conversation","version":1,"system":"","exchanges":[{"question":1}]}',
    '{"format":"llasta-conversation","version":2,"system":"","exchanges":[{"question":"a","versions":{"earlier":[[]],"later":[]}}]}',
    '{"format":"llasta-conversation","version":2,"system":"","exchanges":[{"question":"a","attachments":[{"name":"x"}]}]}',
    '{"format":"llasta-conversation","version":1,"system":"","exchanges":[{"question":"a","answer":{"text":"A","reasoning":"","state":"strange"}}]}',
    '{"format":"llasta-conversation","version":1,"system":"","exchanges":[{"question":"a","answer":{"text":null,"reasoning":"","state":"done"}}]}',
  ])("that isn't one is refused: %s", (text) => {
    expect(() => fromJson(text)).toThrow(TypeError);
  });

  test("as Markdown is a document for people", () => {
    const { exchanges } = plain;
    expect(
      toMarkdown(
        { ...plain, exchanges: [...exchanges.slice(0, 2), exchanges[4]!] },
        { title: "Chat", system: "System", you: "You", thinking: "Thinking" },
      ),
    ).toBe(
      "# Chat\n\n> **System:** Be brief.\n\n## You\n\na\n\n## Qwen/Qwen3-8B\n\n<details>\n<summary>Thinking</summary>\n\nHm\n\n</details>\n\n**A**\n\n## You\n\nb 👋\u0000\n\n## You\n\ne\n",
    );
  });
});

describe("messages in OpenAI's form", () => {
  const messages = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "a" },
    { role: "assistant", content: "A", reasoning_content: "Hm" },
    {
      role: "user",
      content: [
        { type: "text", text: "b" },
        { type: "image_url", image_url: { url: "data:" } },
      ],
    },
    { role: "user", content: "c" },
    { role: "assistant", content: null, tool_calls: [] },
    { role: "tool", content: "42" },
    { role: "assistant", content: "C" },
    { role: "user", content: "d" },
  ];

  test.each([
    ["in an object", { model: "m", messages }],
    ["in a list", messages],
  ])("%s become a conversation", (_, json) => {
    const { system, exchanges } = fromJson(`\uFEFF${JSON.stringify(json)}`);
    expect(system).toBe("Be brief.");
    expect(exchanges.map(({ question, answer }) => [question.text, answer?.text, answer?.reasoning])).toEqual([
      ["a", "A", "Hm"],
      ["b\n\nc", "C", ""],
      ["d", undefined, undefined],
    ]);
  });

  test("may have their texts in parts of any kind of text", () => {
    const content = (type: string, text: string) => [
      { type, text },
      { type: "reasoning", text: "hm" },
    ];
    const { exchanges } = fromJson(
      JSON.stringify([
        { role: "user", content: content("input_text", "a") },
        { role: "assistant", content: content("output_text", "A") },
      ]),
    );
    expect(exchanges.map(({ question, answer }) => [question.text, answer?.text])).toEqual([["a", "A"]]);
  });

  test("may begin with an answer", () => {
    const { exchanges } = fromJson('[{"role":"assistant","content":"Hello!"},{"role":"user","content":"Hi"}]');
    expect(messagesOf({ system: "", exchanges: exchanges.slice(0, 1) }, exchanges[1]!.question)).toEqual([
      { role: "assistant", content: "Hello!" },
      { role: "user", content: "Hi" },
    ]);
  });
});
