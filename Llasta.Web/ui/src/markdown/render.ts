import type { Tokens } from "marked";
import { withoutStoppers } from "./depth.ts";
import type { FootnoteToken, FormulaToken, QuotationToken } from "./grammar.ts";
import { footnoteClass, formulaHtml, pendingFormulaHtml } from "./html.ts";
import { inlineHtml, type Links } from "./inline.ts";
import { escapeHtml, languageOf } from "./text.ts";

/** The definitions that the text may refer to, and whether more text may follow. */
export interface Context {
  readonly links: Links;
  readonly growing: boolean;
  /** The HTML of texts that were rendered with the same definitions before. */
  readonly known: Map<string, string>;
}

export const still = (context: Context): Context => (context.growing ? { ...context, growing: false } : context);

/** The HTML of tokens, not yet sanitised. Only the last can grow. */
export const toHtml = (tokens: readonly Tokens.Generic[], context: Context, direction = ""): string =>
  tokens.map((token, i) => tokenHtml(token, i === tokens.length - 1 ? context : still(context), direction)).join("");

/**
 * The direction of a top-level block follows its first word. A list, a quotation or a table has one direction, which
 * decides the side of its bullets, bar or columns; the style sheet lets each line inside be ordered by its own words.
 */
export const ownDirection = ' dir="auto"';

function tokenHtml(token: Tokens.Generic, context: Context, direction: string): string {
  switch (token.type) {
    case "space":
    case "def":
      return "";
    case "inline":
      return inline(token.raw, context);
    case "checkbox":
      return (token as Tokens.Checkbox).checked ? "☑ " : "☐ ";
    case "text":
      return toHtml(token.tokens ?? [], context);
    case "paragraph":
      return `<p${direction}>${toHtml(token.tokens ?? [], context)}</p>`;
    case "heading": {
      // The page's own headings are h1 and h2.
      const { depth, tokens } = token as Tokens.Heading;
      const name = `h${Math.min(depth + 2, 6)}`;
      return `<${name} class="h${depth}"${direction}>${toHtml(tokens, context)}</${name}>`;
    }
    case "hr":
      return "<hr>";
    case "formula": {
      const { tex, pending } = token as FormulaToken;
      return `<p>${pending ? pendingFormulaHtml : formulaHtml(withoutStoppers(tex), true)}</p>`;
    }
    case "code": {
      const { text, lang } = token as Tokens.Code;
      const language = languageOf(lang);
      return `<pre><code${language ? ` class="language-${escapeHtml(language)}"` : ""}>${escapeHtml(withoutStoppers(text))}</code></pre>`;
    }
    case "blockquote": {
      const { callout, tokens } = token as QuotationToken;
      const tag = callout ? "div" : "blockquote";
      return `<${tag}${callout ? ` class="callout callout-${callout}"` : ""}${direction}>${toHtml(tokens, context)}</${tag}>`;
    }
    case "list": {
      const { ordered, start, items } = token as Tokens.List;
      const tag = ordered ? "ol" : "ul";
      const number = ordered && start !== 1 && start !== "" ? ` start="${start}"` : "";
      return `<${tag}${number}${direction}>${items.map((item, i) => listItemToHtml(item, i === items.length - 1 ? context : still(context))).join("")}</${tag}>`;
    }
    case "table": {
      const { header, rows } = token as Tokens.Table;
      const body = rows.map((row, i) => tableRowToHtml(row, i === rows.length - 1 ? context : still(context))).join("");
      return `<table${direction}><thead>${tableRowToHtml(header, rows.length > 0 ? still(context) : context)}</thead><tbody>${body}</tbody></table>`;
    }
    case "footnote": {
      const { label, tokens } = token as FootnoteToken;
      return `<div class="footnote ${escapeHtml(footnoteClass(label))}"${direction}><span class="label" dir="auto">${escapeHtml(label)}</span>${toHtml(tokens, context)}</div>`;
    }
    default:
      return `<p${direction}>${escapeHtml(withoutStoppers(token.raw))}</p>`;
  }
}

/** While a list or table grows, it is parsed as a whole, but the text of its earlier parts is rendered only once. */
function inline(raw: string, { links, growing, known }: Context): string {
  if (growing) return inlineHtml(withoutStoppers(raw), links, true);
  let html = known.get(raw);
  if (html === undefined) {
    html = inlineHtml(withoutStoppers(raw), links, false);
    known.set(raw, html);
  }
  return html;
}

export const listItemToHtml = (item: Tokens.ListItem, context: Context): string =>
  `<li${item.task ? ' class="task"' : ""}>${toHtml(item.tokens, context)}</li>`;

export const tableRowToHtml = (cells: readonly Tokens.TableCell[], context: Context): string =>
  `<tr>${cells
    .map((cell, i) => {
      const tag = cell.header ? "th" : "td";
      return `<${tag}${cell.align ? ` class="${cell.align}"` : ""}>${toHtml(cell.tokens, i === cells.length - 1 ? context : still(context))}</${tag}>`;
    })
    .join("")}</tr>`;
