import { expect, test } from "vitest";
import { questionParts } from "../../src/page/questionText.ts";

const parts = (text: string) => questionParts(text).map(({ kind, text }) => [kind, text]);

test.each([
  ["no fence", "a\n  b", [["text", "a\n  b"]]],
  [
    "a fence",
    "What is this?\n\n```python\ndef f():\n    pass\n```\n\nThanks.",
    [
      ["text", "What is this?"],
      ["code", "def f():\n    pass"],
      ["text", "Thanks."],
    ],
  ],
  [
    "a fence that isn't closed",
    "Look:\n```\nx\ny",
    [
      ["text", "Look:"],
      ["code", "x\ny"],
    ],
  ],
  ["a longer fence around a shorter one", "````md\n```\nx\n```\n````", [["code", "```\nx\n```"]]],
  [
    "tildes",
    "~~~\nx\n~~~\ny",
    [
      ["code", "x"],
      ["text", "y"],
    ],
  ],
  ["backticks in a line", "use ``` here", [["text", "use ``` here"]]],
  ["an empty fence", "```\n```", []],
] as const)("a question with %s is split into text and code", (_, text, expected) => {
  expect(parts(text)).toEqual(expected);
});
