import { describe, expect, test } from "vitest";
import { Session } from "../../src/conversation/session.ts";
import { ChatClient } from "../../src/turn/client.ts";
import type { ProblemCode } from "../../src/turn/wire.ts";
import { chatServer, done, event, fails, start, streams, type Call } from "../chatServer.ts";

const answers = (text: string) => streams([start, event(text), done]);
const problem = (code: ProblemCode, more = {}) => fails(400, { code, detail: "why", ...more });

async function session(...serve: ((call: Call) => void)[]) {
  const { base, calls } = await chatServer(...serve);
  const session = new Session(new ChatClient(base));
  const drafts: string[] = [];
  session.onDraftBack = (draft) => drafts.push(draft);
  const texts = () => session.conversation.exchanges.map(({ question, answer }) => [question, answer?.text]);
  return { session, calls, drafts, texts };
}

const until = (session: Session, wanted: () => boolean) => new Promise<void>((resolve) => session.onChange(() => wanted() && resolve()));

describe("a message", () => {
  test("and its answer become the conversation, and the next one is sent with them", async () => {
    const { session: chat, calls, texts } = await session(answers("A"), answers("B"));
    await chat.send("a");
    await chat.send("b");
    expect(texts()).toEqual([
      ["a", "A"],
      ["b", "B"],
    ]);
    expect(calls[1]!.request.messages).toHaveLength(3);
  });

  test.each(["invalid-request", "too-large", "forbidden-origin"] as const)(
    "refused as %s is returned to its writer and leaves no trace",
    async (code) => {
      const { session: chat, drafts, texts } = await session(problem(code));
      await chat.send("a");
      expect(texts()).toEqual([]);
      expect(drafts).toEqual(["a"]);
      expect(chat.notice).toMatchObject({ kind: "draft-back", problem: { code } });
    },
  );

  test.each(["model-auth", "model-not-found", "model-error"] as const)(
    "that failed as %s stays and can be retried; the error isn't part of it",
    async (code) => {
      const { session: chat, calls, texts } = await session(problem(code), answers("A"));
      await chat.send("a");
      expect(texts()).toEqual([["a", undefined]]);
      expect(chat.notice).toMatchObject({ kind: "trouble", problem: { code } });
      await chat.continueAnswer();
      expect(texts()).toEqual([["a", "A"]]);
      expect(chat.notice).toBeUndefined();
      expect(calls[1]!.request.messages).toEqual([{ role: "user", content: "a" }]);
    },
  );

  test("stopped before any text arrived is returned to its writer", async () => {
    const { session: chat, drafts, texts } = await session(() => chat.stop());
    await chat.send("a");
    expect([texts(), drafts, chat.notice]).toEqual([[], ["a"], { kind: "draft-back" }]);
  });

  test("that no longer fits the window can be sent without the oldest exchanges, which stay visible", async () => {
    const {
      session: chat,
      calls,
      texts,
    } = await session(answers("A"), problem("context-overflow", { promptTokens: 110, contextWindow: 100 }), answers("B"));
    await chat.send("a");
    await chat.send("b");
    expect(chat.dropCount).toBe(1);
    await chat.dropOldest();
    expect(texts()).toEqual([
      ["a", "A"],
      ["b", "B"],
    ]);
    expect(calls[2]!.request.messages).toEqual([{ role: "user", content: "b" }]);
    expect(chat.conversation.dropped).toBe(1);
  });

  test("that alone exceeds the window is returned to its writer", async () => {
    const { session: chat, drafts, texts } = await session(problem("context-overflow", { promptTokens: 200, contextWindow: 100 }));
    await chat.send("a");
    expect([texts(), drafts]).toEqual([[], ["a"]]);
  });
});

describe("an answer", () => {
  test("that was cut is kept, and a retry continues it", async () => {
    const {
      session: chat,
      calls,
      texts,
    } = await session(streams([start, event("half "), event({ code: "model-error", detail: "" }, "error")]), answers("whole"));
    await chat.send("a");
    expect(texts()).toEqual([["a", "half "]]);
    expect(chat.conversation.exchanges[0]!.answer).toMatchObject({ state: "truncated" });
    await chat.continueAnswer();
    expect(texts()).toEqual([["a", "half whole"]]);
    expect(calls[1]!.request.continue).toBe(true);
  });

  test("is replaced when it is regenerated", async () => {
    const { session: chat, texts } = await session(answers("A"), answers("B"));
    await chat.send("a");
    await chat.regenerate();
    expect(texts()).toEqual([["a", "B"]]);
  });

  test("is kept when the new one fails before its first word", async () => {
    const { session: chat, texts } = await session(answers("A"), problem("model-error"));
    await chat.send("a");
    await chat.regenerate();
    expect(texts()).toEqual([["a", "A"]]);
    expect(chat.notice).toMatchObject({ kind: "answer-restored", ending: { state: "failed" } });
  });

  test("is kept when the new one is stopped in mid-thought", async () => {
    const { session: chat, texts } = await session(answers("A"), streams([start, event("Hm", "reasoning")], "stay"));
    await chat.send("a");
    const thinks = until(chat, () => chat.turn?.phase.kind === "thinking");
    const ended = chat.regenerate();
    await thinks;
    chat.stop();
    await ended;
    expect(texts()).toEqual([["a", "A"]]);
  });

  test("is kept when the conversation is replaced before the new one has any text", async () => {
    const { session: chat, texts } = await session(answers("A"), streams([start, event("Hm", "reasoning")], "stay"));
    await chat.send("a");
    const thinks = until(chat, () => chat.turn?.phase.kind === "thinking");
    void chat.resend("b");
    await thinks;
    chat.replace(chat.replace({ system: "", exchanges: [], dropped: 0 }));
    expect(texts()).toEqual([["a", "A"]]);
  });

  test("is restored, and the edited question returned, when the edited question fails", async () => {
    const { session: chat, drafts, texts } = await session(answers("A"), problem("model-error"), answers("B"));
    await chat.send("a");
    await chat.resend("b");
    expect([texts(), drafts]).toEqual([[["a", "A"]], ["b"]]);
    await chat.resend("b");
    expect(texts()).toEqual([["b", "B"]]);
  });

  test("that is missing because the thinking used up the limit is requested without thinking", async () => {
    const {
      session: chat,
      calls,
      texts,
    } = await session(streams([start, event("Hm", "reasoning"), event({ state: "thinking-limit" }, "end")]), answers("A"));
    await chat.send("a");
    expect(chat.conversation.exchanges[0]!.answer).toMatchObject({ text: "", reasoning: "Hm", state: "thinking-limit" });
    await chat.answerWithoutThinking();
    expect(texts()).toEqual([["a", "A"]]);
    expect(calls[1]!.request).toEqual({ messages: [{ role: "user", content: "a" }], thinking: false, continue: false });
  });
});

test("a conversation replaced in mid-answer is returned with the partial answer, and receives nothing more", async () => {
  const { session: chat, texts, calls } = await session(streams([start, event("half")], "stay"));
  const answering = until(chat, () => chat.turn?.answer === "half");
  const ended = chat.send("a");
  await answering;
  const old = chat.replace({ system: "", exchanges: [], dropped: 0 });
  await ended;
  await calls[0]!.closed;
  expect(texts()).toEqual([]);
  chat.replace(old);
  expect(texts()).toEqual([["a", "half"]]);
  expect(chat.conversation.exchanges[0]!.answer?.state).toBe("stopped");
});
