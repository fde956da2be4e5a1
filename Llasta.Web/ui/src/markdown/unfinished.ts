import type { Tokens } from "marked";
import { splitRow } from "./table.ts";

/*
 * A growing text often ends with incomplete markup. Shown as it is, "-" would turn the line before it into a heading,
 * and "| Part |" would be a sentence with vertical bars. These rules decide how such an end is read until more text
 * arrives; markup within a line is handled by the inline parser.
 */

/** The maximum length of a last line that is held back, characters. */
const longestLine = 200;

/** Markers of lists and quotations, followed only by the start of other markup, a fence or a definition. */
const onlyMarks =
  /^(?=.*\S)(?:[ \t]|>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*(?:[-+*=_]+|\d{1,3}[.)]?|#{1,6}|[*_~|:\\<[!]{1,4}|\$|`{1,2}|`{3,}[^`]*|~{3,}.*|\[!\w*\]?|\[\^[^\]]*(?:\]:?)?|\[[^\]]*\]:)?[ \t]*$/;

/** The length of the growing text that can be read already: all but a last line that has only markup. */
export function settledLength(text: string): number {
  const lineStart = text.lastIndexOf("\n") + 1;
  return text.length - lineStart <= longestLine && onlyMarks.test(text.slice(lineStart)) ? lineStart : text.length;
}

/** The first row of a table, within lists and quotations too. */
const tableHeader = /^([ \t>]*(?:[-+*][ \t]+|\d{1,9}[.)][ \t]+)?)(\|[ \t]*[^\s|].*)$/;

/** If the text ends with a table's first row, the text with a delimiter row added; otherwise undefined. */
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
