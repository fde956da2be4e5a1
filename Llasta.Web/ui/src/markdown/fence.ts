/** A fenced block of Markdown that contains fences itself. */
export interface MarkdownFence {
  /** Where its text begins and ends. */
  readonly start: number;
  readonly end: number;
  /** The length of its source; undefined if its closing fence isn't there. */
  readonly length: number | undefined;
}

const opening = /^ {0,3}(`{3,}|~{3,})[ \t]*(?:markdown|mdx?)(?!\S)/i;

const fences = /^ {0,3}(`{3,}|~{3,})[ \t]*([^`\n]*)(?:\n|$)/gm;

/** The maximum number of fences in such a block, which bounds the search for its end. */
const mostFences = 200;

/**
 * Models write a document, such as a README, into a fence that is no longer than the fences in the document. By the rules
 * of CommonMark, the first of them that closes would end it, and from there on, code and text would change places.
 * Therefore the fences are paired: one with a language opens a block within, and so does one between a blank line and a
 * line of text; the others close.
 * @returns undefined if no Markdown with a fence in it begins here.
 */
export function markdownFenceAt(source: string): MarkdownFence | undefined {
  const begin = opening.exec(source);
  if (!begin) return undefined;
  let start = 0;
  let depth = 0;
  let count = 0;
  let contains = false;
  for (const { index, 0: line, 1: marks, 2: language } of source.matchAll(fences)) {
    if (++count > mostFences) return undefined;
    if (!marks!.startsWith(begin[1]!)) continue;
    const next = index + line.length;
    if (depth === 0) start = next;
    depth += language || (depth === 1 && isBetween(source, index, next)) ? 1 : -1;
    contains ||= depth > 1;
    if (depth === 0) return contains ? { start, end: index, length: next } : undefined;
  }
  return contains ? { start, end: source.length, length: undefined } : undefined;
}

/** A blank line comes before, and a line with text after. */
const isBetween = (source: string, index: number, next: number): boolean =>
  /\n[ \t]*\n$/.test(source.slice(Math.max(0, index - 80), index)) && /^.*\S/.test(source.slice(next, next + 400));
