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

/** A fence without a language, lines of code without a blank one, the fence that ends them, and a blank line or another fence. */
const shortCode = /^ {0,3}(`{3,}|~{3,})[ \t]*\n(?:(?! {0,3}\1)[ \t]*\S.*\n)+ {0,3}\1[`~]*[ \t]*\n(?:[ \t]*\n| {0,3}\1)/;

const closing = /^ {0,3}(?:`{3,}|~{3,})[ \t]*(?:\n|$)/;

/** The maximum number of fences in such a block, which bounds the search for its end. */
const mostFences = 200;

/**
 * Models write a document, such as a README, into a fence that is no longer than the fences in the document. By the rules
 * of CommonMark, the first of them that closes would end it, and from there on, code and text would change places.
 * Therefore the fences are paired: one with a language opens a block within, and so does one between a blank line and
 * {@link shortCode}; the others close. What isn't clear before the next blank line is read by CommonMark's rules: text
 * after the block isn't shown as code while it arrives.
 * @returns undefined if no Markdown with a fence in it begins here.
 */
export function markdownFenceAt(source: string): MarkdownFence | undefined {
  const begin = opening.exec(source);
  if (!begin) return undefined;
  let start = 0;
  let depth = 0;
  let count = 0;
  let contains = false;
  let isFirst = false;
  for (const { index, 0: line, 1: marks, 2: language } of source.matchAll(fences)) {
    if (++count > mostFences) return undefined;
    if (!marks!.startsWith(begin[1]!)) continue;
    const next = index + line.length;
    if (depth === 0) start = next;
    if (language || (depth === 1 && opensCode(source, index))) {
      depth++;
      isFirst = depth === 2 && !contains && !source.slice(start, index).trim();
    } else {
      depth--;
      // No document begins with code: it is an example of a fence, and its end is that of the block unless another one follows.
      if (isFirst && depth === 1 && !closing.test(source.slice(next))) return undefined;
    }
    contains ||= depth > 1;
    if (depth === 0) return contains ? { start, end: index, length: next } : undefined;
  }
  return contains ? { start, end: source.length, length: undefined } : undefined;
}

const opensCode = (source: string, index: number): boolean =>
  /\n[ \t]*\n$/.test(source.slice(Math.max(0, index - 80), index)) && shortCode.test(source.slice(index));
