import type { TurnState } from "../turn/turn.ts";
import { endStates, problemCodes } from "../turn/wire.ts";
import { type Answer, type Branch, type Conversation, type Exchange, newExchange, questionOf } from "./conversation.ts";
import { type Attachment, type Draft, draftOf } from "./draft.ts";

const format = "llasta-conversation";
/** Version 1 had no versions, no attachments, and a number of dropped exchanges in place of `leftOut`. */
const version = 2;

export function toJson({ system, exchanges }: Conversation): string {
  return `${JSON.stringify({ format, version, system, exchanges: exchanges.map(plain) }, null, 2)}\n`;
}

/** In the order in which they are written. */
const answerMembers: readonly (keyof Answer)[] = [
  "text",
  "reasoning",
  "reasoningSkipped",
  "reasoningMs",
  "edited",
  "state",
  "detail",
  "promptTokens",
  "contextWindow",
  "model",
  "usage",
  "tokens",
  "streamedMs",
  "timings",
];

/** An exchange without its id, which is this page's own. */
function plain({ question, wish, answer, leftOut, versions }: Exchange): object {
  const branches = (of: readonly Branch[]) => of.map((branch) => branch.map(plain));
  return {
    question: question.text,
    ...(question.attachments.length > 0 && { attachments: question.attachments }),
    ...(wish && { wish }),
    ...(answer && { answer: Object.fromEntries(answerMembers.map((name) => [name, answer[name]])) }),
    ...(leftOut && { leftOut }),
    ...(versions && { versions: { earlier: branches(versions.earlier), later: branches(versions.later) } }),
  };
}

/**
 * Reads a conversation that {@link toJson} wrote, or one in OpenAI's form: an object with `messages`, or a list of messages.
 * @throws {TypeError} if the text is neither.
 */
export function fromJson(text: string): Conversation {
  let root: unknown;
  try {
    root = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw new TypeError("not JSON");
  }
  if (Array.isArray(root)) return fromMessages(root);
  const saved = object(root);
  if (saved["format"] === undefined && Array.isArray(saved["messages"])) return fromMessages(saved["messages"]);
  if (saved["format"] !== format || (saved["version"] !== 1 && saved["version"] !== version))
    throw new TypeError("not a conversation of this version");
  const exchanges = array(saved["exchanges"]).map(toExchange);
  const dropped = Math.min(optionalNumber(saved["dropped"]) ?? 0, exchanges.length - 1);
  return {
    system: string(saved["system"]),
    exchanges: exchanges.map((exchange, i) => (i < dropped ? { ...exchange, leftOut: true } : exchange)),
  };
}

/** Messages in OpenAI's form. Those of a role in a row become one; what isn't text is left out. */
function fromMessages(list: readonly unknown[]): Conversation {
  if (list.length === 0) throw new TypeError("no messages");
  const system: string[] = [];
  const exchanges: { question: string[]; answer: string[]; reasoning: string[] }[] = [];
  for (const value of list) {
    const message = object(value);
    const text = contentOf(message["content"]);
    const last = exchanges.at(-1);
    switch (message["role"]) {
      case "system":
      case "developer":
        system.push(text);
        break;
      case "user":
        if (last && last.answer.length === 0) last.question.push(text);
        else exchanges.push({ question: [text], answer: [], reasoning: [] });
        break;
      case "assistant": {
        const exchange = last ?? { question: [], answer: [], reasoning: [] };
        if (!last) exchanges.push(exchange);
        exchange.answer.push(text);
        exchange.reasoning.push(contentOf(message["reasoning_content"] ?? message["reasoning"]));
        break;
      }
      case "tool":
      case "function":
        break;
      default:
        throw new TypeError("a message's role is not known");
    }
  }
  const joined = (parts: readonly string[]): string => parts.filter((part) => part.trim() !== "").join("\n\n");
  return {
    system: joined(system),
    exchanges: exchanges.map(({ question, answer, reasoning }) =>
      newExchange(
        draftOf(joined(question)),
        answer.length > 0 ? { text: joined(answer), reasoning: joined(reasoning), reasoningSkipped: false, state: "done" } : undefined,
      ),
    ),
  };
}

/** A message's content: a text, or a list of parts of which the texts are taken. */
function contentOf(content: unknown): string {
  if (content === undefined || content === null) return "";
  if (typeof content === "string") return content;
  return array(content)
    .map((part) => (typeof part === "string" ? part : isText(object(part)) ? string(object(part)["text"]) : ""))
    .join("");
}

/** A part of the type `text`, or of the type that OpenAI's newer form calls `input_text` or `output_text`. */
const isText = ({ type }: Record<string, unknown>): boolean => type === "text" || type === "input_text" || type === "output_text";

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
  for (const exchange of exchanges) {
    const { answer } = exchange;
    parts.push(`## ${words.you}`, questionOf(exchange));
    if (!answer?.text && !answer?.reasoning) continue;
    parts.push(`## ${answer.model ?? "LLASTA"}`);
    if (answer.reasoning) parts.push(`<details>\n<summary>${words.thinking}</summary>\n\n${answer.reasoning.trim()}\n\n</details>`);
    if (answer.text) parts.push(answer.text.trim());
  }
  return `${parts.join("\n\n")}\n`;
}

const states: readonly TurnState[] = [...endStates, ...problemCodes, "stopped"];

function toExchange(value: unknown): Exchange {
  const { question, attachments, wish, answer, leftOut, versions } = object(value);
  const exchange = newExchange(
    toDraft(question, attachments),
    answer === undefined ? undefined : toAnswer(object(answer)),
    wish === undefined ? undefined : string(wish),
  );
  return {
    ...exchange,
    ...(leftOut === true && { leftOut }),
    ...(versions !== undefined && {
      versions: { earlier: toBranches(object(versions)["earlier"]), later: toBranches(object(versions)["later"]) },
    }),
  };
}

const toDraft = (question: unknown, attachments: unknown = []): Draft => draftOf(string(question), array(attachments).map(toAttachment));

function toAttachment(value: unknown): Attachment {
  const { name, text } = object(value);
  return { name: string(name), text: string(text) };
}

const toBranches = (value: unknown): Branch[] =>
  array(value).map((branch) => {
    const exchanges = array(branch).map(toExchange);
    if (exchanges.length === 0) throw new TypeError("a version is empty");
    return exchanges;
  });

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
    edited: answer["edited"] === true || undefined,
    state,
    detail: answer["detail"] === undefined ? undefined : string(answer["detail"]),
    promptTokens: optionalNumber(answer["promptTokens"]),
    contextWindow: optionalNumber(answer["contextWindow"]),
    model: answer["model"] === undefined ? undefined : string(answer["model"]),
    usage: usage && {
      promptTokens: optionalNumber(usage["promptTokens"]) ?? 0,
      completionTokens: optionalNumber(usage["completionTokens"]) ?? 0,
      ...(reasoningTokens !== undefined && { reasoningTokens }),
    },
    tokens: optionalNumber(answer["tokens"]),
    streamedMs: optionalNumber(answer["streamedMs"]),
    timings: timings && numbersOnly(timings, ["firstTokenMs", "queueMs", "tokensPerSecond", "relayMs"]),
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
