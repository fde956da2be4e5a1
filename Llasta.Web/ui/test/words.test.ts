import { expect, test } from "vitest";
import { en } from "../src/words/en.ts";
import { fr } from "../src/words/fr.ts";
import { wordsFor } from "../src/words/index.ts";

test.each([
  [["fr-CA", "en"], fr],
  [["de", "fr"], fr],
  [["en-GB", "fr"], en],
  [["de"], en],
  [[], en],
  [["constructor"], en],
] as const)("a reader who prefers %j gets the right texts", async (tags, words) => {
  expect(await wordsFor(tags)).toBe(words);
});

test("every text exists in every language", () => {
  const said = (value: unknown): string[] =>
    typeof value === "function"
      ? [1, 61.5].map((number) => (value as (a: number, b: number) => string)(number, 100))
      : typeof value === "object"
        ? Object.values(value!).flatMap(said)
        : [String(value)];
  for (const words of [en, fr]) for (const text of said(words)) expect(text).toMatch(/^(?!.*(?:undefined|NaN)).+/);
});
