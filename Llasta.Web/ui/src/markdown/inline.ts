import { nextBareAddress, type BareAddress } from "./autolink.ts";
import { Delimiters, flanking, htmlOf, type Part } from "./emphasis.ts";
import { formulaAt, opensFormula } from "./math.ts";
import { anchor, footnoteReference, formulaHtml, imageHtml, imageText, isSafeTarget, pendingFormulaHtml } from "./html.ts";
import { inlineTarget, isHalfTarget, type Target } from "./target.ts";
import { escapeHtml, escapeKeepingReferences, footnoteKey, normalLabel, unescapePunctuation } from "./text.ts";

/** Where `[label]: target` definitions lead, and which `[^label]:` footnotes there are, by normalised label. */
export type Links = Record<string, { readonly href: string; readonly title?: string | null | undefined }>;

/** Tags that models write because Markdown has no markup for them. Only without attributes. */
const allowedTag = /<(\/?)(br|sub|sup|kbd)[ \t]*(\/?)>/iy;

/** The beginning of one of these tags, or of an address in angle brackets. */
const halfTag = /^<(?:\/?(?:[bk]|br ?\/?|s|su|su[bp]|kb|kbd)?|h|ht|htt|https?:?\/?)$/i;

/** The maximum number of these tags open at the same time. */
const mostOpenTags = 8;

/** The maximum length of an unfinished link's text, characters. */
const longestHalfLink = 200;

/** A bracket or tag whose partner may follow. */
interface Opener {
  readonly kind: "[" | "![" | "sub" | "sup" | "kbd";
  readonly part: Part;
  readonly index: number;
  /** Where the text after it begins. */
  readonly textStart: number;
  /** The last delimiter before it. */
  readonly delimiter: Delimiters["last"];
}

/**
 * The HTML of a line of text or a paragraph, by CommonMark's algorithm, with what this page adds: formulas, bare
 * addresses, footnotes, a few tags. The cost is linear in the text's length for every text, which the inline parser of
 * the library that reads the blocks doesn't guarantee.
 * @param growing more text may follow: unfinished markup is shown as what it begins, not as characters.
 */
export const inlineHtml = (text: string, links: Links, growing: boolean): string => new InlineText(text, links, growing).html();

class InlineText {
  readonly #text: string;
  readonly #links: Links;
  readonly #growing: boolean;
  readonly #parts: Part[] = [];
  readonly #delimiters = new Delimiters();
  readonly #openers: Opener[] = [];
  /** The number of openers before the last link: they can't open a link around it. */
  #withinLinks = 0;
  readonly #open = { "[": 0, "![": 0, sub: 0, sup: 0, kbd: 0 };
  /** Closing delimiters of formulas known not to occur in the rest of the text. */
  readonly #missing = new Set<string>();
  /** For each length of a run of backticks, where such runs begin, the last first. */
  #backticks: Map<number, number[]> | undefined;
  #bare: BareAddress | undefined | null = null;
  #mark = -1;
  #at = 0;

  constructor(text: string, links: Links, growing: boolean) {
    this.#text = text;
    this.#links = links;
    this.#growing = growing;
  }

  html(): string {
    while (this.#at < this.#text.length) this.#next();
    const ending = this.#growing ? this.#beginUnfinished() : "";
    if (!this.#growing) this.#delimiters.process();
    return this.#parts.map(htmlOf).join("") + ending;
  }

  #next(): void {
    const text = this.#text;
    const address = this.#nextAddress();
    if (address?.start === this.#at) {
      this.#bareAddress(address);
      return;
    }
    const mark = this.#nextMark();
    if (mark > this.#at) {
      const end = Math.min(mark, address?.start ?? text.length);
      this.#plain(text.slice(this.#at, end), end);
      return;
    }
    switch (text[this.#at]) {
      case "\n":
        this.#lineBreak();
        break;
      case "\\":
        this.#backslash();
        break;
      case "`":
        this.#code();
        break;
      case "*":
      case "_":
      case "~":
        this.#delimiterRun();
        break;
      case "!":
        if (text[this.#at + 1] === "[") this.#openBracket("![");
        else this.#plain("!", this.#at + 1);
        break;
      case "[":
        if (!this.#footnote()) this.#openBracket("[");
        break;
      case "]":
        this.#closeBracket();
        break;
      case "<":
        if (!this.#tag() && !this.#addressInAngles()) this.#plain("<", this.#at + 1);
        break;
      default:
        if (!this.#formula()) this.#plain("$", this.#at + 1);
    }
  }

  /** The index of the next character that may be markup. */
  #nextMark(): number {
    if (this.#mark < this.#at) {
      const marks = /[\\\n`*_~[\]!<$]|$/g;
      marks.lastIndex = this.#at;
      this.#mark = marks.exec(this.#text)!.index;
    }
    return this.#mark;
  }

  #push(html: string, end: number): Part {
    const part = { html };
    this.#parts.push(part);
    this.#at = end;
    return part;
  }

  #plain(text: string, end: number): void {
    this.#push(escapeKeepingReferences(text), end);
  }

  /** A line break is kept: models write verses, addresses and lists of words with single line breaks. */
  #lineBreak(): void {
    const last = this.#parts.at(-1);
    if (last) last.html = last.html.trimEnd();
    let end = this.#at + 1;
    while (this.#text[end] === " " || this.#text[end] === "\t") end++;
    this.#push(end < this.#text.length ? "<br>" : "", end);
  }

  #backslash(): void {
    const next = this.#text[this.#at + 1] ?? "";
    if (/^[([b]$/.test(next) && this.#formula()) return;
    if (next === "\n") this.#at++;
    else if (/^[!-/:-@[-`{-~]$/.test(next)) this.#push(escapeHtml(next), this.#at + 2);
    else this.#push(next === "" && this.#growing ? "" : "\\", this.#at + 1);
  }

  #formula(): boolean {
    const formula = formulaAt(this.#text, this.#at, this.#missing);
    if (formula) this.#push(formulaHtml(formula.tex, formula.display), formula.end);
    else if (this.#growing && opensFormula(this.#text, this.#at)) this.#push(pendingFormulaHtml, this.#text.length);
    else return false;
    return true;
  }

  #code(): void {
    const text = this.#text;
    const length = this.#runLength("`");
    const start = this.#at + length;
    const end = this.#closingBackticks(start, length);
    if (end === undefined && !this.#growing) {
      this.#push("`".repeat(length), start);
      return;
    }
    const inside = text.slice(start, end).replace(/\n/g, " ");
    const whole = end === undefined ? inside.replace(/`+$/, "") : inside;
    const code = /^ .*[^ ].* $/s.test(whole) ? whole.slice(1, -1) : whole;
    this.#push(code ? `<code dir="ltr">${escapeHtml(code)}</code>` : "", end === undefined ? text.length : end + length);
  }

  #closingBackticks(from: number, length: number): number | undefined {
    if (!this.#backticks) {
      this.#backticks = new Map();
      for (const { 0: run, index } of [...this.#text.matchAll(/`+/g)].reverse()) {
        const runs = this.#backticks.get(run.length);
        if (runs) runs.push(index);
        else this.#backticks.set(run.length, [index]);
      }
    }
    const runs = this.#backticks.get(length) ?? [];
    while (runs.length > 0 && runs.at(-1)! < from) runs.pop();
    return runs.at(-1);
  }

  #runLength(character: string): number {
    let end = this.#at;
    while (this.#text[end] === character) end++;
    return end - this.#at;
  }

  #delimiterRun(): void {
    const character = this.#text[this.#at]!;
    const start = this.#at;
    const length = this.#runLength(character);
    const end = start + length;
    // It may be half of a closing run, or open something: the next characters decide.
    if (this.#growing && end === this.#text.length) {
      this.#push("", end);
      return;
    }
    const part = this.#push(character.repeat(length), end);
    // A single tilde means "about", as in "5~7 days"; only two strike text out.
    if (character === "~" && length !== 2) return;
    const sides = flanking(this.#text, start, end);
    if (sides.canOpen || sides.canClose) this.#delimiters.push(part, this.#parts.length - 1, character, length, sides);
  }

  #openBracket(kind: "[" | "!["): void {
    this.#remember(kind, this.#push(kind, this.#at + kind.length));
  }

  #remember(kind: Opener["kind"], part: Part): void {
    this.#open[kind]++;
    this.#openers.push({ kind, part, index: this.#parts.length - 1, textStart: this.#at, delimiter: this.#delimiters.last });
  }

  /** Removes the opener at this index and the unmatched ones after it. */
  #dropOpeners(from: number): void {
    for (const { kind } of this.#openers.splice(from)) this.#open[kind]--;
    this.#withinLinks = Math.min(this.#withinLinks, this.#openers.length);
  }

  #footnote(): boolean {
    const reference = /\[\^([^\s[\]]{1,64})\]/y;
    reference.lastIndex = this.#at;
    const label = reference.exec(this.#text)?.[1];
    if (label === undefined) {
      if (!this.#growing || !/^\[\^[^\s[\]]{0,64}$/.test(this.#text.slice(this.#at, this.#at + 80))) return false;
      this.#push("", this.#text.length);
      return true;
    }
    // A number is always a reference; a word is one only if it is defined.
    if (!/^\d{1,3}$/.test(label) && !this.#links[footnoteKey(label)]) return false;
    this.#push(footnoteReference(label), reference.lastIndex).unlinked = `<sup>${escapeHtml(label)}</sup>`;
    return true;
  }

  #closeBracket(): void {
    const after = this.#at + 1;
    const index = this.#open["["] + this.#open["!["] > 0 ? this.#openers.findLastIndex(isBracket) : -1;
    const opener = this.#openers[index];
    const label = opener ? this.#text.slice(opener.textStart, this.#at) : "";
    const target = opener && (opener.kind === "![" || index >= this.#withinLinks) ? this.#target(after, label) : undefined;
    if (target) {
      this.#link(index, label, target);
      return;
    }
    if (opener) {
      this.#openers.splice(index, 1);
      this.#open[opener.kind]--;
      this.#withinLinks = Math.min(this.#withinLinks, this.#openers.length);
    }
    this.#push("]", after);
  }

  #target(at: number, label: string): Target | undefined {
    const target = inlineTarget(this.#text, at) ?? this.#referenceTarget(at, label);
    // While the target hasn't arrived, the link's text is shown without its brackets.
    return target ?? (this.#growing && isHalfTarget(this.#text, at) ? { href: "", end: this.#text.length } : undefined);
  }

  /** `[label][reference]`, `[reference][]`, `[reference]` */
  #referenceTarget(at: number, label: string): Target | undefined {
    const explicit = /\[((?:[^\\[\]]|\\[^]){0,999})\]/y;
    explicit.lastIndex = at;
    const reference = explicit.exec(this.#text)?.[1];
    const name = reference || label;
    const link = name.length < 1000 && !/(?<!\\)\[/.test(name) && name.trim() ? this.#links[normalLabel(name)] : undefined;
    return link && { ...link, end: reference === undefined ? at : explicit.lastIndex };
  }

  #link(index: number, label: string, { href, title, end }: Target): void {
    const opener = this.#openers[index]!;
    this.#delimiters.process(opener.delimiter);
    this.#dropOpeners(index);
    const inside = this.#parts.splice(opener.index).slice(1);
    if (opener.kind === "![") {
      const text = unescapePunctuation(label);
      this.#push(imageHtml(href, title, text), end).unlinked = imageText(href, text);
      return;
    }
    // Links contain no links: no bare addresses, no images (of a badge), no references to footnotes.
    const isLink = href === "" || isSafeTarget(href);
    const html = inside.map((part) => (isLink && part.unlinked) || htmlOf(part)).join("");
    this.#push(href === "" ? html : anchor(href, title, html, label), end);
    this.#withinLinks = this.#openers.length;
  }

  #tag(): boolean {
    allowedTag.lastIndex = this.#at;
    const [source, slash, found] = allowedTag.exec(this.#text) ?? [];
    if (source === undefined || found === undefined) return false;
    const end = this.#at + source.length;
    const name = found.toLowerCase() as "br" | "sub" | "sup" | "kbd";
    if (name === "br") this.#push("<br>", end);
    else if (slash) this.#endTag(name, source, end);
    else {
      const part = this.#push(escapeHtml(source), end);
      if (this.#open.sub + this.#open.sup + this.#open.kbd < mostOpenTags) this.#remember(name, part);
    }
    return true;
  }

  #endTag(name: "sub" | "sup" | "kbd", source: string, end: number): void {
    if (this.#open[name] === 0) {
      this.#push(escapeHtml(source), end);
      return;
    }
    const index = this.#openers.findLastIndex(({ kind }) => kind === name);
    const opener = this.#openers[index]!;
    this.#delimiters.process(opener.delimiter);
    this.#dropOpeners(index);
    opener.part.html = `<${name}>`;
    this.#push(`</${name}>`, end);
  }

  #addressInAngles(): boolean {
    const inAngles = /<(?:(https?:\/\/[^\s<>]{1,4000}|mailto:[^\s<>]{1,400})|([\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z\d.-]{1,255}))>/iy;
    inAngles.lastIndex = this.#at;
    const [, address, mailbox] = inAngles.exec(this.#text) ?? [];
    const shown = address ?? mailbox;
    if (shown !== undefined) this.#address(shown, mailbox === undefined ? shown : `mailto:${shown}`, this.#at + shown.length + 2);
    else if (this.#growing && halfTag.test(this.#text.slice(this.#at, this.#at + 12))) this.#push("", this.#text.length);
    else return false;
    return true;
  }

  /** The next bare address at or after this place. */
  #nextAddress(): BareAddress | undefined {
    if (this.#bare === null || (this.#bare && this.#bare.start < this.#at)) this.#bare = nextBareAddress(this.#text, this.#at);
    return this.#bare;
  }

  #bareAddress({ start, end, href }: BareAddress): void {
    // Inside brackets an address ends at the closing one: "[https://example.com](…)".
    const bracket = this.#open["["] > 0 ? this.#text.slice(start, end).indexOf("]") : -1;
    const shown = bracket < 0 ? this.#text.slice(start, end) : this.#text.slice(start, start + bracket);
    this.#address(shown, bracket < 0 ? href : href.slice(0, href.length - (end - start) + bracket), start + shown.length);
  }

  #address(shown: string, href: string, end: number): void {
    this.#push(anchor(href, null, escapeHtml(shown), shown), end).unlinked = escapeHtml(shown);
  }

  /** Opens unfinished emphasis and tags, and hides an unfinished link's bracket. @returns the closing tags. */
  #beginUnfinished(): string {
    this.#delimiters.match();
    const begun = this.#delimiters.beginUnfinished();
    let isLastBracket = true;
    for (const [position, opener] of [...this.#openers.entries()].reverse()) {
      const { kind, part, index, textStart } = opener;
      if (!isBracket(opener)) {
        part.html = `<${kind}>`;
        begun.push({ index, ending: `</${kind}>` });
      } else if (isLastBracket && (kind === "![" || position >= this.#withinLinks) && this.#text.length - textStart < longestHalfLink) {
        part.html = "";
        isLastBracket = false;
      }
    }
    return begun
      .sort((a, b) => b.index - a.index)
      .map(({ ending }) => ending)
      .join("");
  }
}

const isBracket = ({ kind }: Opener): boolean => kind === "[" || kind === "![";
