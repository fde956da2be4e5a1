import type { Draft } from "../conversation/draft.ts";
import { el } from "../dom/element.ts";

/** A part of a question: text as it was written, or the content of a fence. */
export interface QuestionPart {
  readonly kind: "text" | "code";
  readonly text: string;
}

const fence = /^ {0,3}(`{3,}|~{3,})[^\n`]*\n([^]*?)(?:^ {0,3}\1[`~]*[ \t]*$|(?![^]))/gm;

/** Splits a question at its fences. A fence that isn't closed runs to the end, as in Markdown. */
export function questionParts(text: string): QuestionPart[] {
  const parts: QuestionPart[] = [];
  let end = 0;
  const add = (kind: QuestionPart["kind"], text: string) => {
    if (text.trim()) parts.push({ kind, text: text.replace(/^\n+|\s+$/g, "") });
  };
  for (const match of text.matchAll(fence)) {
    add("text", text.slice(end, match.index));
    add("code", match[2]!);
    end = match.index + match[0].length;
  }
  add("text", text.slice(end));
  return parts;
}

/** A longer question is set smaller, and a much longer one scrolls in a box. */
const long = { characters: 280, lines: 4 };
const longest = { characters: 6000, lines: 60 };

const exceeds = (text: string, { characters, lines }: typeof long): boolean =>
  text.length > characters || text.split("\n", lines + 1).length > lines;

/** A question as it was written: its fences are set as code, and its files can be opened. */
export function questionView({ text, attachments }: Draft): HTMLElement {
  const parts = questionParts(text).map(({ kind, text }) =>
    kind === "code" ? el("pre", { dir: "ltr", tabIndex: 0, translate: false }, text) : el("div", { dir: "auto" }, ...withInlineCode(text)),
  );
  const question = el("div", { className: "question" }, ...parts);
  question.classList.toggle("long", exceeds(text, long));
  if (exceeds(text, longest)) {
    question.classList.add("longest");
    question.tabIndex = 0;
  }
  const files = attachments.map(({ name, text }) =>
    el("details", { className: "attachment" }, el("summary", {}, name), el("pre", { tabIndex: 0, dir: "ltr" }, text)),
  );
  return el("div", {}, ...(parts.length > 0 ? [question] : []), ...files);
}

/** Code between single backticks. */
const withInlineCode = (text: string): (string | HTMLElement)[] =>
  text.split(/`([^`\n]+)`/).map((piece, i) => (i % 2 === 0 ? piece : el("code", { dir: "ltr", translate: false }, piece)));
