import { unescapePunctuation } from "./text.ts";

/** A link's target, and the index after its source. */
export interface Target {
  readonly href: string;
  readonly title?: string | null | undefined;
  readonly end: number;
}

/** The maximum lengths of a target and a title, which bound the search at each bracket. Characters. */
const longestTarget = 4000;
const longestTitle = 1000;

/** CommonMark recognises at least three levels of parentheses in a target, and may stop at this many. */
const deepestParentheses = 32;

/** Reads `(target "title")`. */
export function inlineTarget(text: string, at: number): Target | undefined {
  if (text[at] !== "(") return undefined;
  const begin = afterSpace(text, at + 1);
  const target = text[begin] === "<" ? inAngles(text, begin) : bare(text, begin);
  if (!target) return undefined;
  let end = afterSpace(text, target.end);
  let title: string | null = null;
  if (end > target.end) {
    const quoted = titleAt(text, end);
    if (quoted) {
      title = quoted.title;
      end = afterSpace(text, quoted.end);
    }
  }
  return text[end] === ")" ? { href: unescapePunctuation(target.href), title, end: end + 1 } : undefined;
}

/** Whether the text ends inside a target that begins here, or right before one. */
export function isHalfTarget(text: string, at: number): boolean {
  const rest = text.slice(at, at + longestTarget);
  return at + rest.length === text.length && /^(?:\([^)\n]*|\[[^\]\n]*)?$/.test(rest);
}

function afterSpace(text: string, at: number): number {
  while (/^[ \t\n]$/.test(text[at] ?? "")) at++;
  return at;
}

interface Piece {
  readonly href: string;
  readonly end: number;
}

function inAngles(text: string, at: number): Piece | undefined {
  for (let end = at + 1; end < text.length && end - at < longestTarget; end++) {
    const character = text[end]!;
    if (character === ">") return { href: text.slice(at + 1, end), end: end + 1 };
    if (character === "<" || character === "\n") return undefined;
    if (character === "\\") end++;
  }
  return undefined;
}

function bare(text: string, at: number): Piece | undefined {
  let depth = 0;
  let end = at;
  for (; end < text.length; end++) {
    if (end - at >= longestTarget) return undefined;
    const character = text[end]!;
    if (character <= " " || character === "\x7F") break;
    if (character === "\\" && /^[!-/:-@[-`{-~]$/.test(text[end + 1] ?? "")) end++;
    else if (character === "(" && ++depth > deepestParentheses) return undefined;
    else if (character === ")" && --depth < 0) break;
  }
  return depth > 0 ? undefined : { href: text.slice(at, Math.min(end, text.length)), end };
}

function titleAt(text: string, at: number): { title: string; end: number } | undefined {
  const open = text[at];
  const close = open === "(" ? ")" : open;
  if (open !== '"' && open !== "'" && open !== "(") return undefined;
  for (let end = at + 1; end < text.length && end - at < longestTitle; end++) {
    if (text[end] === close) return { title: unescapePunctuation(text.slice(at + 1, end)), end: end + 1 };
    if (text[end] === "(" && open === "(") return undefined;
    if (text[end] === "\\") end++;
  }
  return undefined;
}
