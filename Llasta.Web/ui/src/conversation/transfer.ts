import type { EndState } from "../turn/wire.ts";
import { newExchange, type Answer, type Conversation, type Exchange } from "./conversation.ts";

const format = "llasta-conversation";
const version = 1;

export function toJson({ system, exchanges, dropped }: Conversation): string {
  const plain = exchanges.map(({ question, answer }) => ({ question, ...(answer && { answer }) }));
  return `${JSON.stringify({ format, version, system, dropped, exchanges: plain }, null, 2)}\n`;
}

/** @throws {TypeError} if {@link toJson} didn't write the text. */
export function fromJson(text: string): Conversation {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    throw new TypeError("not JSON");
  }
  const { format: named, version: numbered, system, dropped, exchanges } = object(root);
  if (named !== format || numbered !== version) throw new TypeError("not a conversation of this version");
  const list = array(exchanges).map(toExchange);
  const count = optionalNumber(dropped) ?? 0;
  return { system: string(system), exchanges: list, dropped: Math.max(0, Math.min(Math.trunc(count), list.length - 1)) };
}

export interface MarkdownWords {
  readonly title: string;
  readonly system: string;
  readonly you: string;
  readonly thinking: string;
}

/** The whole conversation as a document for people, with the thinking in collapsed sections. */
export function toMarkdown({ system, exchanges }: Conversation, words: MarkdownWords): string {
  const parts = [`# ${words.title}`];
  if (system.trim()) parts.push(`> **${words.system}:** ${system.trim().replaceAll("\n", "\n> ")}`);
  for (const { question, answer } of exchanges) {
    parts.push(`## ${words.you}`, question);
    if (!answer) continue;
    parts.push(`## ${answer.model ?? "LLASTA"}`);
    if (answer.reasoning) parts.push(`<details>\n<summary>${words.thinking}</summary>\n\n${answer.reasoning.trim()}\n\n</details>`);
    if (answer.text) parts.push(answer.text.trim());
  }
  return `${parts.join("\n\n")}\n`;
}

const states: readonly (EndState | "stopped")[] = ["done", "length", "thinking-limit", "truncated", "stopped"];

function toExchange(value: unknown): Exchange {
  const { question, answer } = object(value);
  return newExchange(string(question), answer === undefined ? undefined : toAnswer(object(answer)));
}

function toAnswer(answer: Record<string, unknown>): Answer {
  const state = states.find((state) => state === answer["state"]);
  if (!state) throw new TypeError("an answer's state is not known");
  const usage = answer["usage"] === undefined ? undefined : object(answer["usage"]);
  const reasoningTokens = optionalNumber(usage?.["reasoningTokens"]);
  const timings = answer["timings"] === undefined ? undefined : object(answer["timings"]);
  return {
    text: string(answer["text"]),
    reasoning: string(answer["reasoning"]),
    reasoningSkipped: answer["reasoningSkipped"] === true,
    reasoningMs: optionalNumber(answer["reasoningMs"]),
    state,
    model: answer["model"] === undefined ? undefined : string(answer["model"]),
    usage: usage && {
      promptTokens: optionalNumber(usage["promptTokens"]) ?? 0,
      completionTokens: optionalNumber(usage["completionTokens"]) ?? 0,
      ...(reasoningTokens !== undefined && { reasoningTokens }),
    },
    tokens: optionalNumber(answer["tokens"]),
    timings: timings && numbersOnly(timings, ["firstTokenMs", "tokensPerSecond", "relayMs"]),
  };
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("an object is missing");
  return value as Record<string, unknown>;
}

function array(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError("a list is missing");
  return value;
}

function string(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("a text is missing");
  return value;
}

function optionalNumber(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isFinite(value)) throw new TypeError("a number is not one");
  return value;
}

const numbersOnly = <Name extends string>(from: Record<string, unknown>, names: readonly Name[]): { [N in Name]?: number } =>
  Object.fromEntries(names.flatMap((name) => (typeof from[name] === "number" ? [[name, from[name]]] : []))) as { [N in Name]?: number };
