import { expect, test } from "vitest";
import { questionPieces } from "../../src/markdown/question.ts";

test("a question's fences and backticks are code; all else is text as it was typed", () => {
  expect(questionPieces("Why does **this** fail?\n\n```py\n  x = 1\n```\nwith `a` and ``b`c``?")).toEqual([
    { kind: "text", text: "Why does **this** fail?\n" },
    { kind: "block", language: "py", text: "  x = 1" },
    { kind: "text", text: "with " },
    { kind: "inline", text: "a" },
    { kind: "text", text: " and " },
    { kind: "inline", text: "b`c" },
    { kind: "text", text: "?" },
  ]);
});

test("a fence that isn't closed reaches to the end, and a longer one holds shorter ones", () => {
  expect(questionPieces("~~~\na\n```\nb")).toEqual([{ kind: "block", language: "", text: "a\n```\nb" }]);
  expect(questionPieces("````md\n```\nx\n```\n````")).toEqual([{ kind: "block", language: "md", text: "```\nx\n```" }]);
});

test("without code a question is one piece of text", () => {
  expect(questionPieces("  a\n  ` b * c_d_e <br>\n")).toEqual([{ kind: "text", text: "  a\n  ` b * c_d_e <br>\n" }]);
  expect(questionPieces("")).toEqual([]);
});
