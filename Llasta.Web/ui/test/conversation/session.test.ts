import { describe, expect, test } from "vitest";
import { Session } from "../../src/conversation/session.ts";
import { ChatClient } from "../../src/turn/client.ts";
import { draftOf } from "../../src/conversation/draft.ts";
import type { ProblemCode } from "../../src/turn/wire.ts";
import { chatServer, done, event, fails, start, streams, type Call } from "../chatServer.ts";

const answers = (text: string) => streams([start, event(text), done]);
const problem = (code: ProblemCode, more = {}) => fails(400, { code, detail: "why", ...more });

async function session(...serve: ((call: Call) => void)[]) {
  const { base, calls } = await chatServer(...serve);
  const session = new Session(new ChatClient(base));
  const drafts: string[] = [];
  session.onDraftBack = (draft) => drafts.push(draft.text);
  const texts = () => session.conversation.exchanges.map(({ question, answer }) => [question.text, answer?.text]);
  return { session, calls, drafts, texts };
}

const until = (session: Session, wanted: () => boolean) => new Promise<void>((resolve) => session.onChange(() => wanted() && resolve()));

describe("a message", () => {
  test("and its answer become the conversation, and the next one is sent with them", async () => {
    const { session: chat, calls, texts } = await session(answers("A"), answers("B"));
    await chat.send(draftOf("a"));
    await chat.send(draftOf("b"));
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
      await chat.send(draftOf("a"));
      expect(texts()).toEqual([]);
      expect(drafts).toEqual(["a"]);
      expect(chat.notice).toMatchObject({ kind: "draft-back", ending: { state: code } });
    },
  );

  test.each(["model-auth", "model-not-found", "model-error"] as const)(
    "that failed as %s stays and can be retried; the error isn't part of it",
    async (code) => {
      const { session: chat, calls, texts } = await session(problem(code), answers("A"));
      await chat.send(draftOf("a"));
      expect(texts()).toEqual([["a", ""]]);
      expect(chat.conversation.exchanges[0]!.answer).toMatchObject({ state: code, detail: "why" });
      await chat.continueAnswer();
      expect(texts()).toEqual([["a", "A"]]);
      expect(chat.notice).toBeUndefined();
      expect(calls[1]!.request.messages).toEqual([{ role: "user", content: "a" }]);
    },
  );

  test("stopped before any text arrived is returned to its writer", async () => {
    const { session: chat, drafts, texts } = await session(() => chat.stop());
    await chat.send(draftOf("a"));
    expect([texts(), drafts, chat.notice]).toEqual([[], ["a"], { kind: "draft-back", ending: { state: "stopped" } }]);
  });

  test("that no longer fits the window can be sent without the oldest exchanges, which stay visible", async () => {
    const {
      session: chat,
      calls,
      texts,
    } = await session(answers("A"), problem("context-overflow", { promptTokens: 110, contextWindow: 100 }), answers("B"));
    await chat.send(draftOf("a"));
    await chat.send(draftOf("b"));
    expect(chat.leaveOutCount).toBe(1);
    await chat.leaveOutOldest();
    expect(texts()).toEqual([
      ["a", "A"],
      ["b", "B"],
    ]);
    expect(calls[2]!.request.messages).toEqual([{ role: "user", content: "b" }]);
    expect(chat.conversation.exchanges.map(({ leftOut }) => leftOut ?? false)).toEqual([true, false]);
  });

  test("that alone exceeds the window is returned to its writer", async () => {
    const { session: chat, drafts, texts } = await session(problem("context-overflow", { promptTokens: 200, contextWindow: 100 }));
    await chat.send(draftOf("a"));
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
    await chat.send(draftOf("a"));
    expect(texts()).toEqual([["a", "half "]]);
    expect(chat.conversation.exchanges[0]!.answer).toMatchObject({ state: "model-error" });
    await chat.continueAnswer();
    expect(texts()).toEqual([["a", "half whole"]]);
    expect(calls[1]!.request.continue).toBe(true);
  });

  test("is replaced when it is regenerated", async () => {
    const { session: chat, texts } = await session(answers("A"), answers("B"));
    await chat.send(draftOf("a"));
    await chat.regenerate();
    expect(texts()).toEqual([["a", "B"]]);
  });

  test("is kept when the new one fails before its first word", async () => {
    const { session: chat, texts } = await session(answers("A"), problem("model-error"));
    await chat.send(draftOf("a"));
    await chat.regenerate();
    expect(texts()).toEqual([["a", "A"]]);
    expect(chat.notice).toMatchObject({ kind: "answer-restored", ending: { state: "model-error" } });
  });

  test("is kept when the new one is stopped in mid-thought", async () => {
    const { session: chat, texts } = await session(answers("A"), streams([start, event("Hm", "reasoning")], "stay"));
    await chat.send(draftOf("a"));
    const thinks = until(chat, () => chat.turn?.phase.kind === "thinking");
    const ended = chat.regenerate();
    await thinks;
    chat.stop();
    await ended;
    expect(texts()).toEqual([["a", "A"]]);
  });

  test("is kept when the conversation is replaced before the new one has any text", async () => {
    const { session: chat, texts } = await session(answers("A"), streams([start, event("Hm", "reasoning")], "stay"));
    await chat.send(draftOf("a"));
    const thinks = until(chat, () => chat.turn?.phase.kind === "thinking");
    void chat.edit(chat.conversation.exchanges.at(-1)!.id, draftOf("b"));
    await thinks;
    chat.replace(chat.replace({ system: "", exchanges: [] }));
    expect(texts()).toEqual([["a", "A"]]);
  });

  test("is restored, and the edited question returned, when the edited question fails", async () => {
    const { session: chat, drafts, texts } = await session(answers("A"), problem("model-error"), answers("B"));
    await chat.send(draftOf("a"));
    await chat.edit(chat.conversation.exchanges.at(-1)!.id, draftOf("b"));
    expect([texts(), drafts]).toEqual([[["a", "A"]], ["b"]]);
    await chat.edit(chat.conversation.exchanges.at(-1)!.id, draftOf("b"));
    expect(texts()).toEqual([["b", "B"]]);
  });

  test("that is missing because the thinking used up the limit is requested without thinking", async () => {
    const {
      session: chat,
      calls,
      texts,
    } = await session(streams([start, event("Hm", "reasoning"), event({ state: "thinking-limit" }, "end")]), answers("A"));
    await chat.send(draftOf("a"));
    expect(chat.conversation.exchanges[0]!.answer).toMatchObject({ text: "", reasoning: "Hm", state: "thinking-limit" });
    await chat.answerWithoutThinking();
    expect(texts()).toEqual([["a", "A"]]);
    expect(calls[1]!.request).toEqual({ messages: [{ role: "user", content: "a" }], thinking: false, continue: false });
  });
});

test("a conversation saved in mid-answer has the text so far, as a stopped answer", async () => {
  const { session: chat } = await session(streams([start, event("half")], "stay"));
  const answering = until(chat, () => chat.turn?.answer === "half");
  const ended = chat.send(draftOf("a"));
  expect(chat.asStopped.exchanges[0]).toMatchObject({ question: draftOf("a"), answer: undefined });
  await answering;
  expect(chat.asStopped.exchanges[0]!.answer).toMatchObject({ text: "half", state: "stopped" });
  expect(chat.conversation.exchanges[0]!.answer).toBeUndefined();
  chat.stop();
  await ended;
  expect(chat.asStopped).toBe(chat.conversation);
});

test("a conversation replaced in mid-answer is returned with the partial answer, and receives nothing more", async () => {
  const { session: chat, texts, calls } = await session(streams([start, event("half")], "stay"));
  const answering = until(chat, () => chat.turn?.answer === "half");
  const ended = chat.send(draftOf("a"));
  await answering;
  const old = chat.replace({ system: "", exchanges: [] });
  await ended;
  await calls[0]!.closed;
  expect(texts()).toEqual([]);
  chat.replace(old);
  expect(texts()).toEqual([["a", "half"]]);
  expect(chat.conversation.exchanges[0]!.answer?.state).toBe("stopped");
});

describe("versions", () => {
  test("regenerating keeps the earlier answer, and both can be shown", async () => {
    const { session: chat, texts } = await session(answers("A"), answers("A2"));
    await chat.send(draftOf("a"));
    await chat.regenerate();
    expect(texts()).toEqual([["a", "A2"]]);
    chat.showVersion(chat.conversation.exchanges[0]!.id, "earlier");
    expect(texts()).toEqual([["a", "A"]]);
    chat.showVersion(chat.conversation.exchanges[0]!.id, "later");
    expect(texts()).toEqual([["a", "A2"]]);
  });

  test("regenerating keeps an answer of which there is only the thinking, and so is the next one kept", async () => {
    const thinks = (text: string) => streams([start, event(text, "reasoning"), event({ state: "thinking-limit" }, "end")]);
    const { session: chat } = await session(thinks("Hm"), thinks("Well"), problem("model-error"));
    const thoughts = () => chat.conversation.exchanges.map(({ answer }) => answer?.reasoning);
    await chat.send(draftOf("a"));
    await chat.regenerate();
    expect(thoughts()).toEqual(["Well"]);
    await chat.regenerate();
    expect([thoughts(), chat.notice?.kind]).toEqual([["Well"], "answer-restored"]);
    chat.showVersion(chat.conversation.exchanges[0]!.id, "earlier");
    expect(thoughts()).toEqual(["Hm"]);
  });

  test("a wish is sent after the question, and kept for the next version and for what follows", async () => {
    const { session: chat, calls, texts } = await session(answers("A"), answers("A2"), answers("A3"), answers("B"));
    await chat.send(draftOf("a"));
    await chat.regenerate(chat.conversation.exchanges[0]!.id, "Shorter.");
    await chat.regenerate();
    await chat.send(draftOf("b"));
    const asked = { role: "user", content: "a\n\nShorter." };
    expect(calls.map(({ request }) => request.messages)).toEqual([
      [{ role: "user", content: "a" }],
      [asked],
      [asked],
      [asked, { role: "assistant", content: "A3" }, { role: "user", content: "b" }],
    ]);
    expect(texts()).toEqual([
      ["a", "A3"],
      ["b", "B"],
    ]);
    chat.showVersion(chat.conversation.exchanges[0]!.id, "earlier");
    chat.showVersion(chat.conversation.exchanges[0]!.id, "earlier");
    expect(chat.conversation.exchanges[0]).not.toHaveProperty("wish");
  });

  test("a stopped new answer doesn't lose the earlier one", async () => {
    const { session: chat, texts } = await session(answers("A"), streams([start, event("New")], "stay"));
    await chat.send(draftOf("a"));
    const answering = until(chat, () => chat.turn?.answer === "New");
    const ended = chat.regenerate();
    await answering;
    chat.stop();
    await ended;
    expect(texts()).toEqual([["a", "New"]]);
    chat.showVersion(chat.conversation.exchanges[0]!.id, "earlier");
    expect(texts()).toEqual([["a", "A"]]);
  });

  test("any question can be edited; what followed it belongs to the earlier version", async () => {
    const { session: chat, calls, texts } = await session(answers("A"), answers("B"), answers("A2"));
    await chat.send(draftOf("a"));
    await chat.send(draftOf("b"));
    await chat.edit(chat.conversation.exchanges[0]!.id, draftOf("a2"));
    expect(texts()).toEqual([["a2", "A2"]]);
    expect(calls[2]!.request.messages).toEqual([{ role: "user", content: "a2" }]);
    chat.showVersion(chat.conversation.exchanges[0]!.id, "earlier");
    expect(texts()).toEqual([
      ["a", "A"],
      ["b", "B"],
    ]);
  });

  test("an edited answer is a version that can be continued from where its text ends", async () => {
    const { session: chat, calls, texts } = await session(answers("A bad end"), answers(" good end"));
    await chat.send(draftOf("a"));
    chat.editAnswer(chat.conversation.exchanges[0]!.id, "A");
    expect(chat.conversation.exchanges[0]!.answer).toMatchObject({ text: "A", state: "stopped", edited: true });
    await chat.continueAnswer();
    expect(texts()).toEqual([["a", "A good end"]]);
    expect(calls[1]!.request).toMatchObject({ continue: true, messages: [{ content: "a" }, { role: "assistant", content: "A" }] });
    chat.showVersion(chat.conversation.exchanges[0]!.id, "earlier");
    expect(texts()).toEqual([["a", "A bad end"]]);
  });

  test("nothing changes while a turn runs", async () => {
    const { session: chat, texts } = await session(answers("A"), streams([start, event("B")], "stay"));
    await chat.send(draftOf("a"));
    const answering = until(chat, () => chat.turn?.answer === "B");
    void chat.send(draftOf("b"));
    await answering;
    const { id } = chat.conversation.exchanges[0]!;
    await chat.regenerate(id);
    await chat.edit(id, draftOf("x"));
    chat.editAnswer(id, "x");
    chat.showVersion(id, "earlier");
    expect(texts()).toEqual([
      ["a", "A"],
      ["b", undefined],
    ]);
    chat.stop();
  });
});

test("an exchange that is left out isn't sent, until it is taken in again", async () => {
  const { session: chat, calls } = await session(answers("A"), answers("B"), answers("C"));
  await chat.send(draftOf("a"));
  const { id } = chat.conversation.exchanges[0]!;
  chat.leaveOut(id, true);
  await chat.send(draftOf("b"));
  chat.leaveOut(id, false);
  await chat.send(draftOf("c"));
  expect(calls.map(({ request }) => request.messages.map(({ content }) => content))).toEqual([["a"], ["b"], ["a", "A", "b", "B", "c"]]);
});

describe("a message that is sent while a turn runs", () => {
  const running = async (...serve: ((call: Call) => void)[]) => {
    const chat = await session(...serve);
    const thinks = until(chat.session, () => chat.session.turn?.phase.kind === "thinking");
    const ended = chat.session.send(draftOf("a"));
    await thinks;
    await chat.session.send(draftOf("b"));
    expect(chat.session.queued).toEqual(draftOf("b"));
    return { ...chat, ended };
  };
  const open = (call: Call) => streams([start, event("Hm", "reasoning")], "stay")(call);

  test("waits, and is sent when the answer is complete", async () => {
    const { session: chat, calls, texts, ended } = await running(open, answers("B"));
    calls[0]!.response.end(event("A") + done);
    await ended;
    expect(texts()).toEqual([
      ["a", "A"],
      ["b", "B"],
    ]);
    expect(chat.queued).toBeUndefined();
  });

  test("is returned to its writer when the answer fails or is stopped", async () => {
    const { session: chat, calls, drafts, ended } = await running(open);
    calls[0]!.response.end(event("A") + event({ code: "model-error", detail: "" }, "error"));
    await ended;
    expect([drafts, chat.queued]).toEqual([["b"], undefined]);
    expect(calls).toHaveLength(1);
  });

  test("can be taken back", async () => {
    const { session: chat, calls, ended } = await running(open);
    expect(chat.unqueue()).toEqual(draftOf("b"));
    calls[0]!.response.end(event("A") + done);
    await ended;
    expect(calls).toHaveLength(1);
  });

  test("is joined with one that waits already", async () => {
    const { session: chat, calls } = await running(open);
    await chat.send(draftOf("c"));
    expect(chat.queued).toEqual(draftOf("b\n\nc"));
    chat.stop();
    await calls[0]!.closed;
  });
});

test("an answer that was cut has the figures of all its parts, by the server's count", async () => {
  const usage = { promptTokens: 7, completionTokens: 3 };
  const { session: chat } = await session(
    streams([start, event("one ")]),
    streams([start, event("two"), event({ state: "done", usage }, "end")]),
  );
  const counted = until(chat, () => chat.conversation.exchanges[0]?.answer?.tokens !== undefined);
  await chat.send(draftOf("a"));
  await counted;
  // The server counts 1 for the question: 7 + 3 - 1.
  expect(chat.conversation.exchanges[0]!.answer).toMatchObject({ text: "one two", tokens: 9 });
});

test("every exchange keeps its end state when others follow", async () => {
  const { session: chat } = await session(
    streams([start, event("half"), event({ state: "length" }, "end")]),
    problem("model-error"),
    answers("C"),
  );
  for (const question of ["a", "b", "c"]) await chat.send(draftOf(question));
  expect(chat.conversation.exchanges.map(({ answer }) => answer?.state)).toEqual(["length", "model-error", "done"]);
});

test("a window that is full is emptied by leaving out the oldest exchanges, and the answer is continued", async () => {
  const full = event({ state: "window-full", usage: { promptTokens: 90, completionTokens: 10 } }, "end");
  const { session: chat, calls, texts } = await session(answers("A".repeat(50)), streams([start, event("B so far"), full]), answers(", B"));
  await chat.send(draftOf("a"));
  await chat.send(draftOf("b"));
  expect(chat.leaveOutCount).toBe(1);
  await chat.leaveOutOldest();
  expect(texts()[1]).toEqual(["b", "B so far, B"]);
  expect(calls[2]!.request.messages.map(({ content }) => content)).toEqual(["b", "B so far"]);
});

test("a listener that throws stops neither the turn nor other listeners", async () => {
  const { session: chat, texts } = await session(answers("A"));
  const thrown = new Promise((resolve) => process.once("uncaughtException", resolve));
  let told = 0;
  chat.onChange(() => {
    if (told === 0) throw new Error("drawing failed");
  });
  chat.onChange(() => told++);
  await chat.send(draftOf("a"));
  expect(texts()).toEqual([["a", "A"]]);
  expect(told).toBeGreaterThan(1);
  expect(await thrown).toMatchObject({ message: "drawing failed" });
});
