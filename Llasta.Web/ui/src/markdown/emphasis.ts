/** The maximum nesting of emphasis; deeper delimiters are shown as text. */
const deepest = 16;

/** A piece of the output. A run of delimiters becomes tags on both sides of what is left of the run. */
export interface Part {
  html: string;
  /** Tags that end before what is left of the run. */
  closing?: string;
  /** Tags that begin after it. */
  opening?: string;
  /** For a link of its own, such as a bare address or an image: its HTML inside of another link. */
  unlinked?: string;
}

/** A run of `*`, `_` or `~` that may begin or end emphasis. */
interface Delimiter {
  readonly part: Part;
  /** The place of the part in the output. */
  readonly index: number;
  readonly character: string;
  readonly canOpen: boolean;
  readonly canClose: boolean;
  /** How long the run was: CommonMark's rule of three looks at that. */
  readonly length: number;
  /** What is left of it. */
  count: number;
  /** The nesting depth of the emphasis between this delimiter and the next. */
  depth: number;
  previous: Delimiter | undefined;
  next: Delimiter | undefined;
}

const isSpace = (character: string): boolean => character === "" || /^\s$/.test(character);
const isPunctuation = (character: string): boolean => /^[\p{P}\p{S}]$/u.test(character);

/** Scripts that are written without spaces between words: Chinese, Japanese, Korean, and some of South East Asia. */
const spaceless =
  /^(?:\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Script=Bopomofo}|\p{Script=Yi}|\p{Script=Thai}|\p{Script=Lao}|\p{Script=Khmer}|\p{Script=Myanmar}|[\u2E80-\u303F\u30A0-\u30FF\u3200-\u33FF\uFE10-\uFE1F\uFE30-\uFE6F\uFF00-\uFFEF])$/u;

export const isSpaceless = (character: string): boolean => spaceless.test(character);

/** Punctuation used in both Chinese and Western texts. */
const isShared = (character: string): boolean => /^[‘’“”—…·]$/.test(character);

/** The character that ends before `at`, without a variation selector; "" at the beginning. */
function characterBefore(text: string, at: number): string {
  if (at > 0 && /[\uFE00-\uFE0F]/.test(text[at - 1]!)) at--;
  if (at <= 0) return "";
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low < 0xe000 && at > 1 ? text.slice(at - 2, at) : text[at - 1]!;
}

const characterAt = (text: string, at: number): string => (at < text.length ? String.fromCodePoint(text.codePointAt(at)!) : "");

/**
 * Whether a run of delimiters can begin or end emphasis: CommonMark's rules, amended for scripts without spaces
 * as CommonMark's issue 650 proposes. In these scripts no space follows a full stop or a bracket, so punctuation next
 * to the run doesn't decide: "**注意：**请" is bold.
 */
export function flanking(text: string, start: number, end: number): { canOpen: boolean; canClose: boolean } {
  const before = characterBefore(text, start);
  const after = characterAt(text, end);
  const spacelessBefore = isSpaceless(before) || (isShared(before) && isSpaceless(characterBefore(text, start - 1)));
  const spacelessAfter = isSpaceless(after) || (isShared(after) && isSpaceless(characterAt(text, end + 1)));
  const punctuationBefore = isPunctuation(before);
  const punctuationAfter = isPunctuation(after);
  const left = !isSpace(after) && (!punctuationAfter || spacelessAfter || isSpace(before) || punctuationBefore || spacelessBefore);
  const right = !isSpace(before) && (!punctuationBefore || spacelessBefore || isSpace(after) || punctuationAfter || spacelessAfter);
  if (text[start] !== "_") return { canOpen: left, canClose: right };
  return { canOpen: left && (!right || punctuationBefore), canClose: right && (!left || punctuationAfter) };
}

/** The unmatched delimiters, as in CommonMark's own algorithm, whose cost is linear in the text's length. */
export class Delimiters {
  /** A sentinel before the first delimiter. */
  readonly #head = { depth: 0 } as Delimiter;
  #last: Delimiter = this.#head;

  get last(): Delimiter {
    return this.#last;
  }

  push(part: Part, index: number, character: string, length: number, sides: { canOpen: boolean; canClose: boolean }): void {
    const delimiter: Delimiter = {
      part,
      index,
      character,
      ...sides,
      length,
      count: length,
      depth: 0,
      previous: this.#last,
      next: undefined,
    };
    this.#last.next = delimiter;
    this.#last = delimiter;
  }

  /** Matches the delimiters after `bottom` and removes them all. */
  process(bottom: Delimiter = this.#head): void {
    this.match(bottom);
    while (this.#last !== bottom) this.#remove(this.#last);
  }

  /** Matches the delimiters after `bottom`; unmatched openers are kept. */
  match(bottom: Delimiter = this.#head): void {
    const noOpenerBefore = new Map<string, Delimiter>();
    for (let closer = bottom.next; closer; ) {
      if (!closer.canClose) {
        closer = closer.next;
        continue;
      }
      const kind = `${closer.character}${closer.canOpen}${closer.length % 3}`;
      const limit = noOpenerBefore.get(kind) ?? bottom;
      let opener = closer.previous!;
      let depth = opener.depth;
      while (opener !== limit && opener !== bottom && !isPair(opener, closer)) {
        opener = opener.previous!;
        depth = Math.max(depth, opener.depth);
      }
      // Openers farther away would enclose what is nested too deeply for this one.
      if (opener === limit || opener === bottom || depth >= deepest) {
        noOpenerBefore.set(kind, closer.previous!);
        const next: Delimiter | undefined = closer.next;
        if (!closer.canOpen) this.#remove(closer);
        closer = next;
        continue;
      }
      closer = this.#join(opener, closer, depth + 1);
    }
  }

  /** @returns the delimiter to continue with. */
  #join(opener: Delimiter, closer: Delimiter, depth: number): Delimiter | undefined {
    while (closer.previous !== opener) this.#remove(closer.previous!);
    const used = opener.count >= 2 && closer.count >= 2 ? 2 : 1;
    const tag = opener.character === "~" ? "del" : used === 2 ? "strong" : "em";
    opener.count -= used;
    closer.count -= used;
    opener.part.opening = `<${tag}>${opener.part.opening ?? ""}`;
    closer.part.closing = `${closer.part.closing ?? ""}</${tag}>`;
    opener.depth = depth;
    if (opener.count === 0) this.#remove(opener);
    if (closer.count > 0) return closer;
    const next = closer.next;
    this.#remove(closer);
    return next;
  }

  #remove(delimiter: Delimiter): void {
    const previous = delimiter.previous!;
    previous.depth = Math.max(previous.depth, delimiter.depth);
    previous.next = delimiter.next;
    if (delimiter.next) delimiter.next.previous = previous;
    else this.#last = previous;
    delimiter.part.html = delimiter.character.repeat(delimiter.count);
  }

  /**
   * Opens the emphasis whose end may still arrive. A single `*` within a word is left alone: "2*3" is arithmetic.
   * @returns the closing tags, last opened first, each with the index of its opening part.
   */
  beginUnfinished(): { readonly index: number; readonly ending: string }[] {
    const begun = [];
    for (let delimiter = this.#last; delimiter !== this.#head; delimiter = delimiter.previous!) {
      const { canOpen, canClose, part, index, count, character } = delimiter;
      if (!canOpen || (count === 1 && canClose) || begun.length >= deepest) continue;
      const tags = character === "~" ? ["del"] : count === 1 ? ["em"] : count === 2 ? ["strong"] : ["em", "strong"];
      delimiter.count = 0;
      part.html = "";
      part.opening = `${tags.map((tag) => `<${tag}>`).join("")}${part.opening ?? ""}`;
      begun.push({
        index,
        ending: tags
          .map((tag) => `</${tag}>`)
          .reverse()
          .join(""),
      });
    }
    return begun;
  }
}

function isPair(opener: Delimiter, closer: Delimiter): boolean {
  if (opener.character !== closer.character || !opener.canOpen) return false;
  if (opener.character === "~") return true;
  const bothWays = opener.canClose || closer.canOpen;
  return !bothWays || (opener.length + closer.length) % 3 !== 0 || (opener.length % 3 === 0 && closer.length % 3 === 0);
}

export const htmlOf = ({ closing = "", html, opening = "" }: Part): string => closing + html + opening;
