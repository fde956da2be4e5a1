import type { Tokens } from "marked";
import { splitRow } from "./table.ts";

/*
 * What a growing text ends with is often the beginning of a mark. Shown at once, "-" would underline the line before
 * it as a heading, and "| Part |" would be a sentence with strokes. These rules say how such an end is read until
 * more comes; marks within a line are the business of the inline parser.
 */

/** A last line that is longer isn't looked at, characters. */
const longestLine = 200;

/** Marks of lists and quotations, then nothing but the beginning of another mark, of a fence or of a definition. */
const onlyMarks =
  /^(?=.*\S)(?:[ \t]|>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*(?:[-+*=_]+|\d{1,3}[.)]?|#{1,6}|[*_~|:\\<[!]{1,4}|\$|`{1,2}|`{3,}[^`]*|~{3,}.*|\[!\w*\]?|\[\^[^\]]*(?:\]:?)?|\[[^\]]*\]:)?[ \t]*$/;

/** How much of the growing text can be read already: a last line that has only marks can't. */
export function settledLength(text: string): number {
  const lineStart = text.lastIndexOf("\n") + 1;
  return text.length - lineStart <= longestLine && onlyMarks.test(text.slice(lineStart)) ? lineStart : text.length;
}

/** The first row of a table, within lists and quotations too. */
const tableHeader = /^([ \t>]*(?:[-+*][ \t]+|\d{1,9}[.)][ \t]+)?)(\|[ \t]*[^\s|].*)$/;

/** The text whose table's first row has come, with the row that makes a table of it; undefined where none has begun. */
export function withTableBegun(text: string, tokens: readonly Tokens.Generic[]): string | undefined {
  const leaf = lastLeaf(tokens);
  if (leaf?.type !== "paragraph" && leaf?.type !== "text") return undefined;
  const lastStart = text.lastIndexOf("\n") + 1;
  const isDelimiters = /^[ \t>]*\|?[ \t:|-]*$/.test(text.slice(lastStart));
  const end = isDelimiters ? lastStart - 1 : text.length;
  const start = text.lastIndexOf("\n", end - 1) + 1;
  const [, prefix, header] = tableHeader.exec(text.slice(start, Math.max(start, end))) ?? [];
  if (prefix === undefined || header === undefined) return undefined;
  const columns = splitRow(header, Infinity).length;
  return `${text.slice(0, end)}\n${prefix.replace(/[^\s>]/g, " ")}|${"---|".repeat(columns)}`;
}

function lastLeaf(tokens: readonly Tokens.Generic[]): Tokens.Generic | undefined {
  const last = tokens.at(-1);
  if (!last) return undefined;
  const inside =
    last.type === "list"
      ? (last as Tokens.List).items
      : ["blockquote", "list_item", "footnote"].includes(last.type)
        ? last.tokens
        : undefined;
  return inside && inside.length > 0 ? lastLeaf(inside) : last;
}
