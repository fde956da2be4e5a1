import type { Tokens, TokensList } from "marked";
import { acceptable, withoutStoppers } from "./depth.ts";
import { type FenceToken, lex } from "./grammar.ts";
import type { Links } from "./inline.ts";
import { type Context, listItemToHtml, ownDirection, still, tableRowToHtml, toHtml } from "./render.ts";
import { footnoteKey, languageOf, normalLabel } from "./text.ts";
import { settledLength, withTableBegun } from "./unfinished.ts";

/**
 * One block of a rendered answer. What grows while it streams comes in parts (a list's items, a table's rows, a
 * fence's text), so that the page touches only the part that changed.
 */
export type Block =
  | { readonly kind: "html"; readonly html: string }
  /** A footnote's text; the page shows it below the answer. */
  | { readonly kind: "footnote"; readonly html: string }
  | { readonly kind: "list"; readonly ordered: boolean; readonly start: number; readonly parts: readonly string[] }
  | { readonly kind: "table"; readonly head: string; readonly parts: readonly string[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string };

/** A run of blocks between two blank lines that no later text can change, except by defining a link or footnote. */
interface Finished {
  readonly source: string;
  readonly count: number;
  /** The normalised labels in brackets: what a definition that comes later could turn into links. */
  readonly labels: readonly string[];
}

/** An unindented fence that is open at the end of the text. */
interface OpenFence {
  /** Where its text begins, in the tail. */
  readonly contentStart: number;
  /** Where the line that may still become the closing one begins. */
  lineStart: number;
}

/**
 * Markdown that grows at its end. Text before the last safe boundary is parsed once; only the text after it
 * is parsed again when more arrives. {@link blocks} always equals the rendering of the whole text so far: while the
 * text grows, unfinished markup is shown as what it begins; after {@link finish}, it is literal text.
 */
export class GrowingMarkdown {
  /** The rendered blocks. A block that didn't change is the same object as before. */
  readonly blocks: Block[] = [];

  readonly #finished: Finished[] = [];
  readonly #finishedLinks = Object.create(null) as Links;
  #finishedBlocks = 0;
  /** The definitions after the boundary. */
  #tailLinks = Object.create(null) as Links;
  #tail = "";
  /** The rendered texts after the boundary. */
  readonly #known = new Map<string, string>();
  #fence: OpenFence | undefined;
  #growing = false;
  #afterCarriageReturn = false;

  constructor(text = "") {
    this.append(text);
  }

  /** How many blocks at the beginning can't change any more, except by the definition of a link or footnote. */
  get finishedBlocks(): number {
    return this.#finishedBlocks;
  }

  /**
   * Adds text.
   * @returns the index of the first block that may have changed; those before it are untouched.
   */
  append(text: string): number {
    const piece = acceptable(this.#withoutCarriageReturns(text));
    if (!piece) return this.blocks.length;
    this.#tail += piece;
    this.#growing = true;
    return this.#fence && this.#growFence(this.#fence) ? this.#finishedBlocks : this.#parse();
  }

  /**
   * Declares the text complete: unmatched markup becomes literal text. More text may still be appended.
   * @returns the index of the first block that may have changed.
   */
  finish(): number {
    if (!this.#growing) return this.blocks.length;
    this.#growing = false;
    return this.#parse();
  }

  #withoutCarriageReturns(text: string): string {
    if (!text) return "";
    const piece = this.#afterCarriageReturn && text.startsWith("\n") ? text.slice(1) : text;
    this.#afterCarriageReturn = text.endsWith("\r");
    return piece.replace(/\r\n?/g, "\n");
  }

  #parse(): number {
    const first = this.#finishedBlocks;
    const tokens = this.#tokens();
    const { links } = tokens;
    const labels = this.#changedLabels(links);
    if (labels.size > 0) this.#known.clear();
    // A finished text may be continued, and a formula that is open now may still include the text after it.
    const rest = this.#growing ? this.#putFinishedAside(tokens) : tokens;
    const context: Context = { links, growing: this.#growing, known: this.#known };
    this.#replaceTail(rest.flatMap((token, i) => toBlock(token, i === rest.length - 1 ? context : still(context))));
    this.#fence = this.#growing ? this.#openFence(rest) : undefined;
    return Math.min(first, this.#resolve(labels, links));
  }

  #tokens(): TokensList {
    if (!this.#growing) return lex(this.#tail, this.#finishedLinks);
    const settled = this.#tail.slice(0, settledLength(this.#tail));
    const tokens = lex(settled, this.#finishedLinks, true);
    const table = withTableBegun(this.#tail, tokens);
    return table === undefined ? tokens : lex(table, this.#finishedLinks, true);
  }

  /**
   * Puts aside all blocks up to the last safe boundary: a blank line, after which another block begins
   * whose first line is complete. (Whether a line continues the list before it is known only at its end.)
   * @returns the tokens that remain.
   */
  #putFinishedAside(tokens: TokensList): Tokens.Generic[] {
    let offset = 0;
    let start = 0;
    let chunk: Tokens.Generic[] = [];
    for (const token of tokens) {
      if (token.type !== "space" && chunk.length > 0 && this.#isBoundary(offset)) {
        this.#putAside(this.#tail.slice(start, offset), chunk, tokens.links);
        start = offset;
        chunk = [];
      }
      chunk.push(token);
      offset += withoutStoppers(token.raw).length;
    }
    this.#tail = this.#tail.slice(start);
    if (start > 0) this.#known.clear();
    return chunk;
  }

  #isBoundary(offset: number): boolean {
    return /\n[ \t]*\n$/.test(this.#tail.slice(Math.max(0, offset - 80), offset)) && this.#tail.indexOf("\n", offset) >= 0;
  }

  #putAside(source: string, tokens: readonly Tokens.Generic[], links: Links): void {
    for (const [label, link] of definitionsIn(tokens)) this.#finishedLinks[label] ??= link;
    const blocks = tokens.flatMap((token) => toBlock(token, { links, growing: false, known: this.#known }));
    blocks.forEach((block, i) => this.#set(this.#finishedBlocks + i, block));
    this.#finishedBlocks += blocks.length;
    this.#finished.push({ source, count: blocks.length, labels: labelsIn(source) });
  }

  #replaceTail(blocks: readonly Block[]): void {
    blocks.forEach((block, i) => this.#set(this.#finishedBlocks + i, block));
    this.blocks.length = this.#finishedBlocks + blocks.length;
  }

  #set(index: number, block: Block): void {
    const old = this.blocks[index];
    if (!old || !isSame(old, block)) this.blocks[index] = block;
  }

  /** The labels whose definitions after the boundary came, changed or went. */
  #changedLabels(links: Links): ReadonlySet<string> {
    const old = this.#tailLinks;
    // A copy of its own entries only: the inherited ones change.
    this.#tailLinks = Object.assign(Object.create(null), links);
    return new Set([...Object.keys(links), ...Object.keys(old)].filter((label) => !isSameLink(links[label], old[label])));
  }

  /**
   * Renders finished blocks again that mention these labels.
   * @param links the definitions after the boundary; those before it are inherited.
   * @returns the first block that changed.
   */
  #resolve(changed: ReadonlySet<string>, links: Links): number {
    let first = this.blocks.length;
    if (changed.size === 0) return first;
    let index = 0;
    for (const { source, count, labels } of this.#finished) {
      if (labels.some((label) => changed.has(label))) {
        blocksOf(source, links).forEach((block, i) => this.#set(index + i, block));
        first = Math.min(first, index);
      }
      index += count;
    }
    return first;
  }

  #openFence(tokens: readonly Tokens.Generic[]): OpenFence | undefined {
    const last = tokens.at(-1);
    const opening = last?.type === "code" ? /^(`{3,}|~{3,}).*\n/.exec(last.raw) : null;
    if (!last || !opening) return undefined;
    const isOpen = (last as FenceToken).isOpen ?? !new RegExp(`\\n {0,3}${opening[1]}[\`~]* *$`, "m").test(last.raw);
    if (!isOpen) return undefined;
    const start = settledLength(this.#tail) - withoutStoppers(last.raw).length;
    const contentStart = start + opening[0].length;
    // A blank line after it can show that this fence ends code in a fence of Markdown.
    if (/^[ \t]*$/.test(this.#tail.slice(contentStart))) return undefined;
    return { contentStart, lineStart: this.#tail.lastIndexOf("\n") + 1 };
  }

  /** Text goes into an open fence as it is; a line that may close the fence is left to the parser. */
  #growFence(fence: OpenFence): boolean {
    if (/^ {0,3}[`~]/m.test(this.#tail.slice(fence.lineStart))) return false;
    fence.lineStart = this.#tail.lastIndexOf("\n") + 1;
    const text = withoutLastLineEnds(this.#tail.slice(fence.contentStart, settledLength(this.#tail)));
    this.blocks[this.blocks.length - 1] = { ...(this.blocks.at(-1) as Block & { kind: "code" }), text };
    return true;
  }
}

const withoutLastLineEnds = (text: string): string => {
  let end = text.length;
  while (text[end - 1] === "\n") end--;
  return text.slice(0, end);
};

const labelsIn = (source: string): string[] => [...source.matchAll(/\[((?:\\.|[^[\]\\])+)\]/g)].map(([, label]) => normalLabel(label!));

/** Definitions inside lists and quotations apply to the whole text, too. */
function definitionsIn(tokens: readonly Tokens.Generic[]): [string, Links[string]][] {
  return tokens.flatMap((token): [string, Links[string]][] => {
    switch (token.type) {
      case "def":
        return [[token["tag"], { href: token["href"], title: token["title"] }]];
      case "list":
        return definitionsIn((token as Tokens.List).items);
      case "footnote":
        return [[footnoteKey(token["label"]), { href: "", title: null }], ...definitionsIn(token.tokens ?? [])];
      case "blockquote":
      case "list_item":
        return definitionsIn(token.tokens ?? []);
      default:
        return [];
    }
  });
}

const isSameLink = (a: Links[string] | undefined, b: Links[string] | undefined): boolean => a?.href === b?.href && a?.title === b?.title;

/** The blocks of a text that doesn't grow. */
export function blocksOf(source: string, links: Links = Object.create(null)): Block[] {
  const tokens = lex(source, links);
  const context: Context = { links: tokens.links, growing: false, known: new Map() };
  return tokens.flatMap((token) => toBlock(token, context));
}

function toBlock(token: Tokens.Generic, context: Context): Block[] {
  const finished = still(context);
  switch (token.type) {
    case "space":
    case "def":
      return [];
    case "list": {
      const { ordered, start, items } = token as Tokens.List;
      const parts = items.map((item, i) => listItemToHtml(item, i === items.length - 1 ? context : finished));
      return [{ kind: "list", ordered, start: start === "" ? 1 : start, parts }];
    }
    case "table": {
      const { header, rows } = token as Tokens.Table;
      const parts = rows.map((row, i) => tableRowToHtml(row, i === rows.length - 1 ? context : finished));
      return [{ kind: "table", head: tableRowToHtml(header, rows.length > 0 ? finished : context), parts }];
    }
    case "code": {
      const { text, lang } = token as Tokens.Code;
      return [{ kind: "code", language: languageOf(lang), text: withoutLastLineEnds(withoutStoppers(text)) }];
    }
    case "footnote":
      return [{ kind: "footnote", html: toHtml([token], context, ownDirection) }];
    default:
      return [{ kind: "html", html: toHtml([token], context, ownDirection) }];
  }
}

function isSame(a: Block, b: Block): boolean {
  switch (a.kind) {
    case "html":
    case "footnote":
      return b.kind === a.kind && a.html === b.html;
    case "code":
      return b.kind === "code" && a.language === b.language && a.text === b.text;
    case "list":
      return b.kind === "list" && a.ordered === b.ordered && a.start === b.start && isSameList(a.parts, b.parts);
    case "table":
      return b.kind === "table" && a.head === b.head && isSameList(a.parts, b.parts);
  }
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((part, i) => part === b[i]);
