import { findUnescaped } from "./text.ts";

/** TeX in a text, with the delimiters around it. */
export interface Formula {
  readonly tex: string;
  readonly display: boolean;
  readonly end: number;
}

/** Environments that are formulas, with or without dollars around them. */
const environment =
  /^\\begin\{((?:align|aligned|alignat|equation|gather|gathered|multline|split|flalign|eqnarray|cases|dcases|rcases|array|matrix|[pbBvV]matrix|smallmatrix|CD)\*?)\}/;

const openers = [
  ["$$", "$$", true],
  ["\\[", "\\]", true],
  ["\\(", "\\)", false],
] as const;

/** Characters that only formulas contain. */
const isTex = (text: string): boolean => /[\\^_=+<>|{}]|\s[-/*]\s/.test(text);

/** Words of a sentence, without any character of a formula. */
const isProse = (text: string): boolean => !isTex(text) && (/\P{ASCII}/u.test(text) || /[A-Za-z]{3,}/.test(text));

/** Text between two dollar signs that aren't delimiters: "$100 (in US$)", "$PATH to it, 5$". */
function isSentence(tex: string): boolean {
  const words = tex.replace(/\\[A-Za-z]+|\{[^{}]*\}/g, "");
  if (/^\d/.test(tex) && /[A-Za-z]{2,}[\s).,;:-]+\S/.test(words)) return true;
  return !/[\\^_]/.test(tex) && /[A-Za-z]{2,}[,.;:]?\s+(?:[^A-Za-z=<>]+\s)?[A-Za-z]{2,}/.test(words);
}

/**
 * Escaped brackets, as in "see \[1\]" or "\(a note\)", which don't delimit a formula.
 * @param next what follows the closing bracket.
 */
function isBrackets(tex: string, display: boolean, next: string): boolean {
  if (!/[\p{L}\p{N}]/u.test(tex)) return true;
  if (display && (next === "(" || /^(?:[A-Za-z](?:, ?[A-Za-z])*|[\d\s,;–-]*)$/.test(tex))) return true;
  return isProse(tex);
}

/**
 * The formula that begins here. As with pandoc, a single dollar opens only before a non-space and closes only
 * after one and not before a digit: "$5 and $6" is money. Nor does it touch a word: "US$", "5$/mois", "$A:$B".
 * @param missing closing delimiters known not to occur in the rest of this text.
 */
export function formulaAt(text: string, at: number, missing: Set<string>): Formula | undefined {
  const begin = text[at] === "\\" ? environment.exec(text.slice(at, at + 20)) : null;
  if (begin) return environmentAt(text, at, begin[1]!, missing);
  for (const [open, close, display] of openers) {
    if (!text.startsWith(open, at)) continue;
    if (open === "$$" && (text[at + 2] === "$" || text[at - 1] === "$")) return undefined;
    const end = findUnescaped(text, close, at + 2, missing);
    const inside = end < 0 ? "" : text.slice(at + 2, end);
    const tex = inside.trim();
    if (
      !tex ||
      (open === "$$" ? text[end + 2] === "$" || isProse(tex) : isBrackets(tex === inside ? tex : ` ${tex}`, display, text[end + 2] ?? ""))
    )
      return undefined;
    return { tex, display, end: end + 2 };
  }
  return text[at] === "$" ? dollarsAt(text, at, missing) : undefined;
}

function environmentAt(text: string, at: number, name: string, missing: Set<string>): Formula | undefined {
  const close = `\\end{${name}}`;
  if (missing.has(close)) return undefined;
  const end = text.indexOf(close, at);
  if (end < 0) missing.add(close);
  return end < 0 ? undefined : { tex: text.slice(at, end + close.length), display: true, end: end + close.length };
}

function dollarsAt(text: string, at: number, missing: Set<string>): Formula | undefined {
  if (/[A-Za-z\d]/.test(text[at - 1] ?? "") || /^[\s$]?$/.test(text[at + 1] ?? "")) return undefined;
  const end = findUnescaped(text, "$", at + 1, missing);
  const tex = text.slice(at + 1, end);
  if (end < 0 || /\s$/.test(tex) || tex.includes("\n") || isSentence(tex)) return undefined;
  const next = text[end + 1] ?? "";
  if (/[\d{($]/.test(next) || (/[A-Za-z]/.test(next) && !/^[A-Za-z]'*$|[\\^_{]/.test(tex))) return undefined;
  return { tex, display: false, end: end + 1 };
}

/** The maximum length of an unfinished formula; longer text is shown as it is. Characters. */
const longestUnfinished = 4000;

/** Whether an unfinished formula starts here: its closing delimiter may still arrive. */
export function opensFormula(text: string, at: number): boolean {
  if (text.length - at > longestUnfinished) return false;
  const rest = text.slice(at);
  if (/^(?:\$\$|\\\[|\\\()/.test(rest)) {
    const inside = rest.slice(2).replace(/\\$/, "").trim();
    return !isProse(inside) && !/^\$/.test(inside) && !(rest[1] === "[" && /^\d/.test(inside));
  }
  if (/^\\(?:b|be|beg|begi|begin(?:\{[A-Za-z*]*)?)$/.test(rest) || environment.test(rest)) return true;
  return (
    /^\$(?:[A-Za-z]'?$|[^\s\d$][^$\n]*[\\^_{=]|\d[^$\n]*[\\^_{])/.test(rest) &&
    !/^\$(?:[A-Z_][A-Z_\d]{2,}|\{|\()/.test(rest) &&
    !/[A-Za-z\d]/.test(text[at - 1] ?? "")
  );
}

/** The maximum number of lines of a formula that contains blank lines. */
const mostLines = 60;

/** A formula that is a block and may contain blank lines. */
export interface FormulaBlock {
  readonly tex: string;
  /** The length of its source, including the line's end. */
  readonly length: number;
}

/**
 * The displayed formula that begins with this line.
 * @returns undefined if none begins here; "open" if its end may still arrive.
 */
export function formulaBlockAt(text: string): FormulaBlock | "open" | undefined {
  const begin = /^ {0,3}(?:\$\$(?!\$)|\\\[|\\begin\{)/.exec(text);
  if (!begin) return undefined;
  const at = begin[0].search(/\S/);
  let end = 0;
  let lines = 0;
  for (; end < text.length && lines < mostLines; lines++) {
    const lineEnd = text.indexOf("\n", end);
    const line = text.slice(end, lineEnd < 0 ? text.length : lineEnd);
    // A formula contains no heading, fence, list or quotation.
    if (lines > 0 && /^ {0,3}(?:#{1,6} |`{3}|~{3}|>|[*+-] \S.*[A-Za-z]{3,} [A-Za-z]{3,}|\d+[.)] \S.*[A-Za-z]{3,})/.test(line)) {
      return undefined;
    }
    end = lineEnd < 0 ? text.length : lineEnd + 1;
    const formula = lines === 0 || /\$\$|\\\]|\\end\{/.test(line) ? formulaAt(text.slice(0, end), at, new Set()) : undefined;
    if (!formula) {
      if (lines === 0 && isClosedOtherwise(text.slice(at, end))) return undefined;
      continue;
    }
    if (text.slice(formula.end, end).trim()) return undefined;
    return { tex: formula.tex.replace(/\n[ \t]*(?=\n)/g, ""), length: end };
  }
  return lines < mostLines && end === text.length && (environment.test(text.slice(at, at + 20)) || !text.startsWith("\\begin", at))
    ? "open"
    : undefined;
}

/** The delimiter is closed on the same line but doesn't delimit a formula: brackets, or words between dollars. */
const isClosedOtherwise = (line: string): boolean =>
  line.startsWith("$$")
    ? findUnescaped(line, "$$", 2, new Set()) >= 0
    : line.startsWith("\\[") && findUnescaped(line, "\\]", 2, new Set()) >= 0;
