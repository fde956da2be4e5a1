import { Lexer, Marked, Parser, Tokenizer, type MarkedExtension, type Tokens, type TokensList } from "marked";
import { escapeHtml } from "./escape.ts";
import { mathExtensions } from "./math.ts";

/** Where `[label]: target` definitions lead, by normalised label. */
export type Links = TokensList["links"];

/** An answer's links lead to the web or to a mailbox; anything else (script, data, a path on this server) stays text. */
const isSafeTarget = (target: string): boolean => /^(?:https?:\/\/|mailto:)/i.test(target);

const anchor = (target: string, title: string | null | undefined, html: string): string =>
  isSafeTarget(target)
    ? `<a href="${escapeHtml(target)}"${title ? ` title="${escapeHtml(title)}"` : ""} target="_blank" rel="noopener noreferrer">${html}</a>`
    : html;

const extension: MarkedExtension = {
  gfm: true,
  breaks: true,
  tokenizer: {
    // Raw HTML is text: neither a block nor a tag of it is recognised.
    html: () => undefined,
    tag: () => undefined,
    // Marked lets a definition's label and title run across blank lines. CommonMark doesn't, and then
    // text after a blank line can never change what stands before it, which streaming relies on.
    def(src) {
      const blank = /\n[ \t]*\n/.exec(src);
      return Tokenizer.prototype.def.call(this, blank ? src.slice(0, blank.index + 1) : src);
    },
  },
  renderer: {
    // The page's own headings are h1 and h2.
    heading({ tokens, depth }) {
      return `<h${Math.min(depth + 2, 6)} class="h${depth}">${this.parser.parseInline(tokens)}</h${Math.min(depth + 2, 6)}>\n`;
    },
    code({ text, lang }) {
      const language = languageOf(lang);
      return `<pre><code${language ? ` class="language-${escapeHtml(language)}"` : ""}>${escapeHtml(text)}</code></pre>\n`;
    },
    link({ href, title, tokens }) {
      return anchor(href, title, this.parser.parseInline(tokens));
    },
    // A remote image would tell its server who reads this, and when: it becomes a link.
    image({ href, title, text }) {
      return anchor(href, title, `<span class="image">${escapeHtml(text || href)}</span>`);
    },
    checkbox({ checked }) {
      return checked ? "☑ " : "☐ ";
    },
    tablecell({ tokens, header, align }) {
      const tag = header ? "th" : "td";
      return `<${tag}${align ? ` class="${align}"` : ""}>${this.parser.parseInline(tokens)}</${tag}>`;
    },
  },
  ...mathExtensions,
};

const options = new Marked(extension).defaults;

/** The first word of a fence's info string. */
export const languageOf = (info: string | undefined): string => /^\S+/.exec(info ?? "")?.[0].toLowerCase() ?? "";

/** Splits Markdown into its top-level tokens, with definitions from elsewhere in the document known. */
export function lex(source: string, links: Links): TokensList {
  const lexer = new Lexer(options);
  Object.assign(lexer.tokens.links, links);
  return lexer.lex(source);
}

/** The HTML of tokens, not yet sanitised. */
export const toHtml = (tokens: Tokens.Generic[]): string => new Parser(options).parse(tokens);

export const listItemToHtml = (item: Tokens.ListItem): string =>
  `<li${item.task ? ' class="task"' : ""}>${toHtml(item.tokens)}</li>`;

export function tableRowToHtml(cells: Tokens.TableCell[]): string {
  const { renderer } = new Parser(options);
  return `<tr>${cells.map((cell) => renderer.tablecell(cell)).join("")}</tr>`;
}
