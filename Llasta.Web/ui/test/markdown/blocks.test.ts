import { describe, expect, test } from "vitest";
import { GrowingMarkdown, type Block } from "../../src/markdown/blocks.ts";
import { lex } from "../../src/markdown/grammar.ts";
import { commonMark, more } from "./corpus.ts";

const whole = (text: string): Block[] => new GrowingMarkdown(text).blocks;

/** A repeatable source of numbers below 1 (mulberry32). */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function inPieces(text: string, random: () => number, longest: number): string[] {
  const pieces: string[] = [];
  for (let i = 0; i < text.length; ) {
    const length = 1 + Math.floor(random() * longest);
    pieces.push(text.slice(i, i + length));
    i += length;
  }
  return pieces;
}

function expectStreamedEqualsWhole(pieces: string[]): void {
  const streamed = new GrowingMarkdown();
  let text = "";
  let before: Block[] = [];
  for (const piece of pieces) {
    text += piece;
    const changed = streamed.append(piece);
    expect(streamed.blocks, JSON.stringify(text)).toEqual(whole(text));
    for (let i = 0; i < changed; i++) expect(streamed.blocks[i], `block ${i} of ${JSON.stringify(text)}`).toBe(before[i]);
    before = [...streamed.blocks];
  }
}

describe("what streams equals what is rendered at once", () => {
  test.each([...commonMark, ...more].map((text) => [text]))("character by character: %j", (text) => {
    expectStreamedEqualsWhole([...text.split("")]);
  });

  test("for documents made of many constructs, in pieces of any size", { timeout: 60_000 }, () => {
    const random = numbers(7);
    const all = [...commonMark, ...more];
    for (let round = 0; round < 400; round++) {
      const separators = ["\n\n", "\n", "\n\n\n", ""];
      let text = "";
      for (let i = 0; i < 6; i++)
        text += all[Math.floor(random() * all.length)]! + separators[Math.floor(random() * separators.length)]!;
      expectStreamedEqualsWhole(inPieces(text, random, 1 + Math.floor(random() * 40)));
    }
  });

  test("and equals what one parse of the whole text gives, without any boundary", () => {
    for (const text of [...commonMark, ...more]) {
      const tokens = lex(text, {});
      expect(tokens.map(({ raw }) => raw).join(""), "tokens cover the text").toBe(text.replace(/\r\n?/g, "\n"));
      const ofTokens = tokens.flatMap((token) => (token.type === "def" || token.type === "space" ? [] : [token.type]));
      expect(whole(text).length, JSON.stringify(text)).toBe(ofTokens.length);
    }
  });
});
