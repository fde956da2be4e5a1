import { describe, expect, test } from "vitest";
import { GrowingMarkdown } from "../../src/markdown/blocks.ts";
import { rendered } from "./render.ts";

const n = 8000;
const lines = (count: number, line: (i: number) => string): string => Array.from({ length: count }, (_, i) => line(i)).join("\n");

/**
 * What loops and broken models send, and what breaks parsers: the work for each is bounded by its length, or these tests
 * wouldn't end within a test's time limit, since each of the texts is long enough for what is quadratic to show.
 */
const texts: Record<string, string> = {
  "nested lists": `${"- ".repeat(n)}deep\nlazy\n`,
  "nested numbered lists": `${"1. ".repeat(n)}deep\nlazy\n`,
  "nested quotations": `${"> ".repeat(n)}deep\nlazy\n`,
  "nested quotations without spaces": `${">".repeat(n)}deep\n`,
  "lists in quotations": `${"> - ".repeat(n)}deep\nlazy\n`,
  "lists indented ever deeper": lines(300, (i) => `${"  ".repeat(i)}- a`),
  "quotations ever deeper": lines(300, (i) => `${">".repeat(i + 1)} a`),
  "quotations of changing depth": "> > > a\nlazy\n> b\n".repeat(n / 8),
  "footnotes in footnotes": lines(150, (i) => `${"    ".repeat(i)}[^${i}]: a`),
  "nested emphasis": "*a ".repeat(n) + "b* ".repeat(n),
  "emphasis of two kinds": "_a __a ".repeat(n) + "b_ b__ ".repeat(n),
  "emphasis that never ends": "*a **b ~~c _d ".repeat(n),
  "emphasis within words": "x*y~~z".repeat(n),
  "nested tags": "<sub>x".repeat(n) + "</sub>".repeat(n),
  "tags and brackets": "<sub>[".repeat(n) + "]".repeat(n),
  brackets: "[".repeat(n) + "]".repeat(n),
  "half links": "[a](b".repeat(n),
  "half links in angles": "[a](<b".repeat(n),
  "links in links": `${"[".repeat(n)}a${"](b)".repeat(n)}`,
  "images in images": `${"![".repeat(n)}a${"](b)".repeat(n)}`,
  "brackets and parentheses": "![[]()".repeat(n),
  "runs of backticks, each of another length": lines(300, (i) => "`".repeat(i + 1)).replaceAll("\n", " "),
  "half tags and comments": "<!--<br<http://a".repeat(n),
  dollars: "$a ".repeat(n),
  "half formulas": "\\(abc \\[ \\begin{align} ".repeat(n / 2),
  "half formulas on lines of their own": "$$a\n\n\\[\n\\begin{align}\n".repeat(n / 8),
  backslashes: "\\".repeat(n * 4),
  "a table as wide as long": `${"|".repeat(n)}\n${"|-".repeat(n)}\n${"|a\n".repeat(n / 8)}`,
  "a table with surplus cells": `|a|b|\n|-|-|\n${"|1|2|3|$|`\n".repeat(n / 4)}`,
  "half a delimiter row": `a\n${"|-".repeat(n)}x`,
  spaces: `a${" ".repeat(n * 4)}b\n${"\t".repeat(n)}c`,
  "lines of spaces": `a\n${" \n".repeat(n)}b`,
  "one word": "a".repeat(n * 4),
  "one address": `http://a.b/${"(".repeat(n)}${"&a;".repeat(n)}`,
  addresses: "http://a.b a@b.c www.a.b ".repeat(n / 4),
  "half mail addresses": "a@".repeat(n) + "b.".repeat(n),
  "lines of a list's item": `- a\n${"  [a\nb\n".repeat(n / 8)}`,
  "underlined headings": "a\n=\n".repeat(n / 4),
  definitions: lines(n / 4, (i) => `[a${i}]: http://b`),
  "half a definition": `[a]: b "${"x\n".repeat(n / 2)}`,
  fences: "```\n".repeat(n / 8 + 1),
  "fences of Markdown that don't pair up": "```md\n```a\n```\n".repeat(n / 2),
  "fences of Markdown that may contain code": "```md\n\n```\na\n".repeat(n / 4),
  callouts: "> [!NOTE]\n".repeat(n / 4),
  "Chinese without end": "**中，**文~~".repeat(n),
  "everything mixed": "[*_`$<~!|> - 1. ".repeat(n / 2),
};

/** How deeply elements stand within one another. */
function depthOf(html: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [tag] of html.matchAll(/<\/?[a-z]\w*/g)) {
    if (tag === "<br" || tag === "<hr") continue;
    depth += tag.startsWith("</") ? -1 : 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

describe("nothing in a text can stop the page", () => {
  test.each(Object.entries(texts))("%s", { timeout: 30_000 }, (_, text) => {
    const markdown = new GrowingMarkdown();
    const piece = Math.ceil(text.length / 8);
    for (let i = 0; i < text.length; i += piece) markdown.append(text.slice(i, i + piece));
    markdown.finish();
    const html = JSON.stringify(markdown.blocks);
    expect(depthOf(html)).toBeLessThanOrEqual(70);
    // The longest output per character: a table's cells, callouts, links of an address.
    expect(html.length).toBeLessThan(40 * text.length + 1000);
  });

  test("what is nested too deeply is shown as text, and nothing of it is lost", () => {
    const html = rendered(`${"- ".repeat(100)}deep`);
    expect(html.match(/<li>/g)).toHaveLength(20);
    expect(html).toContain(`${"- ".repeat(80)}deep`);
    expect(rendered(`${"> ".repeat(100)}deep`)).toContain("&gt; &gt; deep");
  });

  test("a thematic break may be of any length, and code may look like a nested list", () => {
    expect(rendered(`a\n\n${"- ".repeat(60)}\n\nb`)).toContain("<hr>");
    expect(rendered(`\`\`\`\n${"- ".repeat(60)}x\n\`\`\``)).toBe(`<pre>${"- ".repeat(60)}x</pre>`);
  });
});
