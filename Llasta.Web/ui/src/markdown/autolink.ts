import { isSpaceless } from "./emphasis.ts";

/** A web or mail address in a text, without any markup around it. */
export interface BareAddress {
  readonly start: number;
  readonly end: number;
  readonly href: string;
}

// Every alternative starts at a word boundary, so that a long word is scanned once. Scripts without spaces have no
// such boundaries.
const beginning =
  /(?<![\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}_])(?:https?:\/\/|www\.)|(?<![\w.+-])[\w.+-]+@[A-Za-z\d-]+(?:\.[A-Za-z\d-]+)+(?![\w@-])/giu;

/** Longer addresses are cut off, which bounds the search for an address's end. Characters. */
const longest = 4000;

/** Finds the next bare address (GFM's "extended autolinks") at or after `from`. */
export function nextBareAddress(text: string, from: number): BareAddress | undefined {
  beginning.lastIndex = from;
  for (let match = beginning.exec(text); match; match = beginning.exec(text)) {
    const start = match.index;
    const [found] = match;
    if (found.includes("@")) return { start, end: start + found.length, href: `mailto:${found}` };
    const end = endOf(text, start + found.length);
    const address = text.slice(start, end);
    const isWww = /^www\./i.test(address);
    if (!/^(?:https?:\/\/|www\.)[^\s/?#:.][^\s/?#]*/i.test(address) || (isWww && !/^www\.[^\s/?#]+\.[^\s/?#.]/i.test(address))) continue;
    return { start, end, href: isWww ? `http://${address}` : address };
  }
  return undefined;
}

/**
 * An address ends at white space or `<`, and before Chinese, Japanese or Korean text, which follows it without a
 * space. Trailing punctuation belongs to the sentence, not to the address.
 */
function endOf(text: string, from: number): number {
  let end = from;
  let opened = 0;
  let closed = 0;
  for (; end < text.length && end - from < longest; end++) {
    const character = text[end]!;
    if (/[\s<"`|\\^{}]/.test(character) || isSpaceless(character) || /[“”‘’…]/.test(character)) break;
    if (character === "*" && text[end + 1] === "*") break;
    if (character === "(") opened++;
    if (character === ")") closed++;
  }
  while (end > from) {
    const last = text[end - 1]!;
    if (last === ")") {
      if (closed <= opened) break;
      closed--;
    } else if (last === ";") {
      const reference = /&[A-Za-z\d]{1,31};$/.exec(text.slice(Math.max(from, end - 34), end));
      end -= reference ? reference[0].length - 1 : 0;
    } else if (!/[?!.,:*_~'\]]|[^\P{P}\x20-\x7e]/u.test(last)) break;
    end--;
  }
  return end;
}
