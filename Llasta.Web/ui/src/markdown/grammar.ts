import { Lexer, Marked, Tokenizer, type Tokens, type TokensList } from "marked";
import { deepestBlock, limitDepth } from "./depth.ts";
import { markdownFenceAt } from "./fence.ts";
import { formulaBlockAt } from "./math.ts";
import type { Links } from "./inline.ts";
import { splitHeader, splitRow } from "./table.ts";
import { footnoteKey } from "./text.ts";

/** Text whose inline markup is read when it is rendered. */
export interface InlineToken extends Tokens.Generic {
  readonly type: "inline";
  readonly raw: string;
}

export interface FormulaToken extends Tokens.Generic {
  readonly type: "formula";
  readonly tex: string;
  /** Its end hasn't arrived yet. */
  readonly pending: boolean;
}

export interface FootnoteToken extends Tokens.Generic {
  readonly type: "footnote";
  readonly label: string;
  readonly tokens: Tokens.Generic[];
}

export interface FenceToken extends Tokens.Code {
  /** Its closing fence hasn't arrived yet. */
  isOpen?: boolean;
}

export interface QuotationToken extends Tokens.Blockquote {
  /** The kind of a callout (`> [!WARNING]`); undefined for a quotation. */
  callout?: string;
}

/** Wider tables are shown as text: the number of cells could be the square of the text's length. */
const mostColumns = 100;

/** The maximum length of a link definition, characters. */
const longestDefinition = 4000;

const footnoteStart = /^ {0,3}\[\^([^\s[\]]{1,64})\]:[ \t]*/;

/** The start of a block that needs no blank line before it. */
const interruption = /\n {0,3}(?:\$\$(?!\$)|\\\[|\\begin\{|\[\^[^\s[\]]{1,64}\]:)/;

const calloutKinds: Record<string, string> = {
  note: "note",
  info: "note",
  tip: "tip",
  hint: "tip",
  important: "important",
  warning: "warning",
  caution: "caution",
  danger: "caution",
};

/** The library's block tokenizer, extended by footnotes, callouts and formulas, and with limits on depth and width. */
class BlockTokenizer extends Tokenizer {
  #depth = 0;

  get depth(): number {
    return this.#depth;
  }

  /** @returns undefined if the nesting is too deep. */
  nested<Result>(read: () => Result): Result | undefined {
    if (this.#depth >= deepestBlock) return undefined;
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  // Raw HTML is text.
  override html(): undefined {
    return undefined;
  }

  /**
   * The library lets a definition's label and title run across blank lines. CommonMark doesn't, and then text after
   * a blank line can never change the text before it, which streaming relies on.
   */
  override def(src: string): Tokens.Def | undefined {
    if (!/^ {0,3}\[(?!\^)/.test(src)) return undefined;
    const near = src.slice(0, longestDefinition);
    const blank = /\n[ \t]*\n/.exec(near);
    return super.def(blank ? near.slice(0, blank.index + 1) : near);
  }

  override list(src: string): Tokens.List | undefined {
    return this.nested(() => super.list(src));
  }

  override fences(src: string): FenceToken | undefined {
    const token = super.fences(src) as FenceToken | undefined;
    const fence = token && markdownFenceAt(src);
    if (!token || !fence) return token;
    // At top level the rest of the text is the end of the document, where the closing fence may still arrive.
    const isOpen = fence.length === undefined;
    if (isOpen && !(this.depth === 0 && (this.lexer.options as BlockOptions).isGrowing)) return token;
    const indent = /^ */.exec(src)![0].length;
    const text = src.slice(fence.start, fence.end).replace(/\n$/, "");
    return {
      ...token,
      raw: src.slice(0, fence.length),
      text: indent > 0 ? text.replace(new RegExp(`^ {1,${indent}}`, "gm"), "") : text,
      isOpen,
    };
  }

  /** Within a list this is tried at each line, so only headings of one line are recognised there. */
  override lheading(src: string): Tokens.Heading | undefined {
    return this.lexer.state.top || /^[^\n]+\n {0,3}(?:=+|-+)[ \t]*(?:\n|$)/.test(src) ? super.lheading(src) : undefined;
  }

  override paragraph(src: string): Tokens.Paragraph | undefined {
    const token = super.paragraph(src);
    const cut = token ? interruption.exec(token.raw) : null;
    if (!token || !cut) return token;
    const raw = token.raw.slice(0, cut.index + 1);
    this.lexer.inlineQueue.pop();
    const text = raw.slice(0, -1);
    return { type: "paragraph", raw, text, tokens: this.lexer.inline(text) };
  }

  /** A quotation's lines, including lazy continuation lines (without `>`). Each line is scanned once. */
  override blockquote(src: string): QuotationToken | undefined {
    if (!/^ {0,3}>/.test(src)) return undefined;
    return this.nested(() => {
      const inside: string[] = [];
      let length = 0;
      let fence = "";
      let isLazy = false;
      while (length < src.length) {
        const end = src.indexOf("\n", length);
        const line = src.slice(length, end < 0 ? src.length : end);
        const mark = /^ {0,3}>/.exec(line);
        if (!mark && !(isLazy && !endsParagraph(line))) break;
        const text = mark ? withoutMark(line, mark[0].length) : /^ {0,3}(?:=+|-+)[ \t]*$/.test(line) ? `    ${line.trim()}` : line;
        inside.push(text);
        const bare = text.replace(/^(?: {0,3}(?:>|(?:[-+*]|\d{1,9}[.)])[ \t]))*[ \t]*/, "");
        const opening = /^(`{3,}|~{3,})/.exec(bare)?.[1] ?? "";
        if (!fence) fence = opening;
        else if (opening.startsWith(fence) && !bare.slice(opening.length).trim()) fence = "";
        isLazy = !fence && !opening && bare !== "" && !/^(?:#{1,6}(?:\s|$)|\|)/.test(bare) && !(mark && /^ {4,}/.test(text));
        length += line.length + (end < 0 ? 0 : 1);
      }
      const raw = src.slice(0, length).replace(/\n$/, "");
      const token: QuotationToken = { type: "blockquote", raw, text: inside.join("\n"), tokens: [] };
      const callout = calloutKinds[/^[ \t]*\[!([A-Za-z]+)\]/.exec(token.text)?.[1]?.toLowerCase() ?? ""];
      if (callout) token.callout = callout;
      token.tokens = this.withTop(() =>
        this.lexer.blockTokens(callout ? token.text.replace(/^[ \t]*\[![A-Za-z]+\][ \t]*\n?/, "") : token.text, []),
      );
      return token;
    });
  }

  /** Reads blocks inside a quotation or footnote as top-level blocks. */
  withTop<Result>(read: () => Result): Result {
    const { top } = this.lexer.state;
    this.lexer.state.top = true;
    try {
      return read();
    } finally {
      this.lexer.state.top = top;
    }
  }

  /** GFM's tables, with cells split by {@link splitRow}. */
  override table(src: string): Tokens.Table | undefined {
    const match = this.rules.block.table.exec(src);
    if (!match || !/[:|]/.test(match[2]!)) return undefined;
    const delimiters = match[2]!
      .trim()
      .replace(/^\||\|$/g, "")
      .split("|");
    const header = splitHeader(match[1]!, delimiters.length);
    if (!header || header.length > mostColumns) return undefined;
    const align = delimiters.map((cell) => {
      const [left, right] = [/^\s*:/.test(cell), /:\s*$/.test(cell)];
      return left ? (right ? "center" : "left") : right ? "right" : null;
    });
    const cells = (texts: readonly string[], isHeader: boolean): Tokens.TableCell[] =>
      texts.map((text, column) => ({ text, tokens: this.lexer.inline(text), header: isHeader, align: align[column] ?? null }));
    const rows = match[3]?.trim() ? match[3].replace(/\n[ \t]*$/, "").split("\n") : [];
    return {
      type: "table",
      raw: match[0].replace(/\n+$/, ""),
      align,
      header: cells(header, true),
      rows: rows.map((row) => cells(splitRow(row, header.length), false)),
    };
  }

  footnote(src: string): FootnoteToken | undefined {
    const start = footnoteStart.exec(src);
    if (!start) return undefined;
    return this.nested(() => {
      let length = start[0].length;
      let text = "";
      for (let isFirst = true; length < src.length; isFirst = false) {
        const end = src.indexOf("\n", length);
        const line = src.slice(length, end < 0 ? src.length : end);
        const isIndented = /^(?: {2,}|\t)/.test(line);
        const isAfterBlank = /\n[ \t]*\n$/.test(text) || text === "\n";
        if (!isFirst && line.trim() && !isIndented && (isAfterBlank || footnoteStart.test(line) || endsParagraph(line))) break;
        text += `${isFirst ? line : line.replace(/^(?: {1,4}|\t)/, "")}\n`;
        length += line.length + 1;
      }
      const kept = text.trimEnd();
      // Blank lines after it aren't part of it.
      const raw = src.slice(0, Math.min(length, src.length)).trimEnd();
      return { type: "footnote", raw, label: start[1]!, tokens: this.withTop(() => this.lexer.blockTokens(kept, [])) };
    });
  }
}

/** A line that begins a block and therefore doesn't continue a paragraph. */
const endsParagraph = (line: string): boolean =>
  /^[ \t]*$|^ {0,3}(?:[`~]{3}|#{1,6}(?:\s|$)|>|(?:[-+*]|1[.)])[ \t]+\S|([-*_])(?:[ \t]*\1){2,}[ \t]*$)/.test(line);

/** A quotation's line without its mark and one column after it. Tabs there reach to stops counted from the line's beginning. */
function withoutMark(line: string, length: number): string {
  let column = length;
  let end = length;
  for (; line[end] === " " || line[end] === "\t"; end++) column += line[end] === "\t" ? 4 - (column % 4) : 1;
  return " ".repeat(Math.max(0, column - length - 1)) + line.slice(end);
}

class BlockLexer extends Lexer {
  /** Inline text is kept as it is; {@link inlineHtml} reads it. */
  override inlineTokens(src: string, tokens: Tokens.Generic[] = []): (Tokens.Generic & never)[] {
    tokens.push({ type: "inline", raw: src } satisfies InlineToken);
    return tokens as never;
  }
}

const { extensions } = new Marked({
  extensions: [
    {
      name: "formula",
      level: "block",
      tokenizer(src) {
        const formula = formulaBlockAt(src);
        if (formula === undefined) return undefined;
        if (formula !== "open")
          return { type: "formula", raw: src.slice(0, formula.length), tex: formula.tex, pending: false } satisfies FormulaToken;
        // At top level the rest of the text is the end of the document, where the formula's end may still arrive.
        const { isGrowing, tokenizer } = this.lexer.options as BlockOptions;
        return isGrowing && tokenizer.depth === 0
          ? ({ type: "formula", raw: src, tex: "", pending: true } satisfies FormulaToken)
          : undefined;
      },
    },
    {
      name: "footnote",
      level: "block",
      tokenizer(src) {
        return (this.lexer.options as BlockOptions).tokenizer.footnote(src);
      },
    },
  ],
}).defaults;

interface BlockOptions {
  readonly tokenizer: BlockTokenizer;
  readonly isGrowing: boolean;
}

/**
 * Splits Markdown into its top-level tokens.
 * @param links definitions from elsewhere in the document.
 * @param isGrowing more text may follow.
 */
export function lex(source: string, links: Links, isGrowing = false): TokensList {
  const lexer = new BlockLexer({ gfm: true, extensions, tokenizer: new BlockTokenizer(), isGrowing } as object);
  lexer.tokens.links = Object.create(links) as TokensList["links"];
  const tokens = lexer.lex(limitDepth(source));
  for (const { label } of footnotesIn(tokens)) tokens.links[footnoteKey(label)] ??= { href: "", title: null };
  return tokens;
}

/** Footnotes inside lists and quotations apply to the whole text, too. */
const footnotesIn = (tokens: readonly Tokens.Generic[]): FootnoteToken[] =>
  tokens.flatMap((token) => {
    const inside = token.type === "list" ? (token as Tokens.List).items : token.type === "paragraph" ? [] : (token.tokens ?? []);
    return token.type === "footnote" ? [token as FootnoteToken, ...footnotesIn(inside)] : footnotesIn(inside);
  });
