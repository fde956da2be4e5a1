import type { Tokens } from "marked";
import { languageOf, lex, listItemToHtml, tableRowToHtml, toHtml, type Links } from "./grammar.ts";

/**
 * One block of a rendered answer. What grows while it streams comes in parts (a list's items, a table's rows, a
 * fence's text), so that the page touches only the part that changed.
 */
export type Block =
  | { readonly kind: "html"; readonly html: string }
  | { readonly kind: "list"; readonly ordered: boolean; readonly start: number; readonly parts: readonly string[] }
  | { readonly kind: "table"; readonly head: string; readonly parts: readonly string[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string };

/** A run of blocks between two blank lines that no later text can change, save by defining a link. */
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
 * Markdown that grows at its end. Text before the last safe boundary is parsed once; only what stands after it
 * is parsed again when more comes. {@link blocks} is at every moment what the whole text so far renders to.
 */
export class GrowingMarkdown {
  /** The rendered blocks. A block that didn't change is the same object as before. */
  readonly blocks: Block[] = [];

  readonly #finished: Finished[] = [];
  readonly #finishedLinks = Object.create(null) as Links;
  #finishedBlocks = 0;
  #links = Object.create(null) as Links;
  #tail = "";
  #fence: OpenFence | undefined;
  #afterCarriageReturn = false;

  constructor(text = "") {
    this.append(text);
  }

  /** How many blocks at the beginning can't change any more, save by a link's definition. */
  get finishedBlocks(): number {
    return this.#finishedBlocks;
  }

  /**
   * Adds text.
   * @returns the index of the first block that may have changed; those before it are untouched.
   */
  append(text: string): number {
    const piece = this.#withoutCarriageReturns(text);
    if (!piece) return this.blocks.length;
    this.#tail += piece;
    if (this.#fence && this.#growFence(this.#fence)) return this.#finishedBlocks;

    const changed = this.#finishedBlocks;
    const tokens = lex(this.#tail, this.#finishedLinks);
    const rest = this.#putFinishedAside(tokens);
    this.#replaceTail(rest.flatMap(toBlock));
    this.#fence = this.#openFence(rest);
    return Math.min(changed, this.#resolve(tokens.links));
  }

  #withoutCarriageReturns(text: string): string {
    if (!text) return "";
    const piece = this.#afterCarriageReturn && text.startsWith("\n") ? text.slice(1) : text;
    this.#afterCarriageReturn = text.endsWith("\r");
    return piece.replace(/\r\n?/g, "\n");
  }

  /**
   * Puts aside all blocks up to the last safe boundary: a blank line, after which another block begins
   * whose first line is complete. (Whether a line goes on with the list before it is known only at its end.)
   * @returns the tokens that remain.
   */
  #putFinishedAside(tokens: readonly Tokens.Generic[]): Tokens.Generic[] {
    let offset = 0;
    let start = 0;
    let chunk: Tokens.Generic[] = [];
    for (const token of tokens) {
      if (token.type !== "space" && chunk.length > 0 && this.#isBoundary(offset)) {
        this.#putAside(this.#tail.slice(start, offset), chunk);
        start = offset;
        chunk = [];
      }
      chunk.push(token);
      offset += token.raw.length;
    }
    this.#tail = this.#tail.slice(start);
    return chunk;
  }

  #isBoundary(offset: number): boolean {
    return /\n[ \t]*\n$/.test(this.#tail.slice(Math.max(0, offset - 80), offset)) && this.#tail.indexOf("\n", offset) >= 0;
  }

  #putAside(source: string, tokens: readonly Tokens.Generic[]): void {
    for (const { tag, href, title } of definitionsIn(tokens)) this.#finishedLinks[tag] ??= { href, title };
    const blocks = tokens.flatMap(toBlock);
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

  /**
   * Where definitions came, changed or went, blocks that mention their labels are rendered again.
   * @returns the first block that changed.
   */
  #resolve(links: Links): number {
    const changed = new Set([...Object.keys(links), ...Object.keys(this.#links)].filter((label) => !isSameLink(links[label], this.#links[label])));
    this.#links = links;
    let first = this.blocks.length;
    if (changed.size === 0) return first;
    let index = 0;
    for (const { source, count, labels } of this.#finished) {
      if (labels.some((label) => changed.has(label))) {
        lex(source, links).flatMap(toBlock).forEach((block, i) => this.#set(index + i, block));
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
    if (new RegExp(`\\n {0,3}${opening[1]}[\`~]* *$`, "m").test(last.raw)) return undefined;
    const start = this.#tail.length - last.raw.length;
    return { contentStart: start + opening[0].length, lineStart: this.#tail.lastIndexOf("\n") + 1 };
  }

  /** Text goes into an open fence as it is; a line that may close the fence is left to the parser. */
  #growFence(fence: OpenFence): boolean {
    if (/^ {0,3}[`~]/m.test(this.#tail.slice(fence.lineStart))) return false;
    fence.lineStart = this.#tail.lastIndexOf("\n") + 1;
    const text = withoutLastLineEnds(this.#tail.slice(fence.contentStart));
    this.blocks[this.blocks.length - 1] = { ...(this.blocks.at(-1) as Block & { kind: "code" }), text };
    return true;
  }
}

const withoutLastLineEnds = (text: string): string => {
  let end = text.length;
  while (text[end - 1] === "\n") end--;
  return text.slice(0, end);
};

const labelsIn = (source: string): string[] =>
  [...source.matchAll(/\[((?:\\.|[^[\]\\])+)\]/g)].map(([, label]) => label!.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase().toLowerCase());

/** Definitions stand in lists and quotations too, and count everywhere. */
const definitionsIn = (tokens: readonly Tokens.Generic[]): Tokens.Def[] =>
  tokens.flatMap((token) => {
    if (token.type === "def") return [token as Tokens.Def];
    if (token.type === "list") return definitionsIn((token as Tokens.List).items);
    return token.type === "blockquote" || token.type === "list_item" ? definitionsIn(token.tokens ?? []) : [];
  });

const isSameLink = (a: Links[string] | undefined, b: Links[string] | undefined): boolean =>
  a?.href === b?.href && a?.title === b?.title;

function toBlock(token: Tokens.Generic): Block[] {
  switch (token.type) {
    case "space":
    case "def":
      return [];
    case "list": {
      const { ordered, start, items } = token as Tokens.List;
      return [{ kind: "list", ordered, start: start === "" ? 1 : start, parts: items.map(listItemToHtml) }];
    }
    case "table": {
      const { header, rows } = token as Tokens.Table;
      return [{ kind: "table", head: tableRowToHtml(header), parts: rows.map(tableRowToHtml) }];
    }
    case "code": {
      const { text, lang } = token as Tokens.Code;
      return [{ kind: "code", language: languageOf(lang), text: withoutLastLineEnds(text) }];
    }
    default:
      return [{ kind: "html", html: toHtml([token]) }];
  }
}

function isSame(a: Block, b: Block): boolean {
  if (a.kind === "html") return b.kind === "html" && a.html === b.html;
  if (a.kind === "code") return b.kind === "code" && a.language === b.language && a.text === b.text;
  if (a.kind === "list")
    return b.kind === "list" && a.ordered === b.ordered && a.start === b.start && isSameList(a.parts, b.parts);
  return b.kind === "table" && a.head === b.head && isSameList(a.parts, b.parts);
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((part, i) => part === b[i]);
