import { describe, expect, test } from "vitest";
import { type Block, blocksOf, GrowingMarkdown } from "../../src/markdown/blocks.ts";
import { acceptable, withoutStoppers } from "../../src/markdown/depth.ts";
import { lex } from "../../src/markdown/grammar.ts";
import { commonMark, more, world } from "./corpus.ts";

function complete(text: string): Block[] {
  const markdown = new GrowingMarkdown(text);
  markdown.finish();
  return markdown.blocks;
}

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

/** At every split: what streams equals what the text so far renders to at once, growing and finished. */
function expectStreamedEqualsWhole(pieces: string[]): void {
  const streamed = new GrowingMarkdown();
  const paused = new GrowingMarkdown();
  let text = "";
  let before: Block[] = [];
  for (const piece of pieces) {
    text += piece;
    const changed = streamed.append(piece);
    expect(streamed.blocks, JSON.stringify(text)).toEqual(new GrowingMarkdown(text).blocks);
    for (let i = 0; i < changed; i++) expect(streamed.blocks[i], `block ${i} of ${JSON.stringify(text)}`).toBe(before[i]);
    before = [...streamed.blocks];
    paused.append(piece);
    paused.finish();
    expect(paused.blocks, `finished: ${JSON.stringify(text)}`).toEqual(complete(text));
  }
  streamed.finish();
  expect(streamed.blocks).toEqual(complete(text));
}

describe("what streams equals what is rendered at once", () => {
  test.each([...commonMark, ...more, ...world].map((text) => [text]))("character by character: %j", (text) => {
    expectStreamedEqualsWhole([...text.split("")]);
  });

  test("for documents made of many constructs, in pieces of any size", { timeout: 120_000 }, () => {
    const random = numbers(7);
    const all = [...commonMark, ...more, ...world, ...world];
    for (let round = 0; round < 400; round++) {
      const separators = ["\n\n", "\n", "\n\n\n", ""];
      let text = "";
      for (let i = 0; i < 6; i++) text += all[Math.floor(random() * all.length)]! + separators[Math.floor(random() * separators.length)]!;
      expectStreamedEqualsWhole(inPieces(text, random, 1 + Math.floor(random() * 40)));
    }
  });

  test("and equals what one parse of the whole text gives, without any boundary", () => {
    for (const text of [...commonMark, ...more, ...world])
      expect(complete(text), JSON.stringify(text)).toEqual(blocksOf(acceptable(text.replace(/\r\n?/g, "\n"))));
  });

  test("and the parser's tokens cover the whole text", () => {
    for (const text of [...commonMark, ...more, ...world]) {
      const source = acceptable(text.replace(/\r\n?/g, "\n"));
      expect(
        withoutStoppers(
          lex(source, {})
            .map(({ raw }) => raw)
            .join(""),
        ),
      ).toBe(source);
    }
  });
});
