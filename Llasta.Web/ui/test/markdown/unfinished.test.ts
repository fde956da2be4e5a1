import { describe, expect, test } from "vitest";
import { growing, rendered } from "./render.ts";

/** Each text breaks off where a mark has begun: what a reader sees meanwhile, and at the end if nothing follows. */
describe("an unfinished mark is shown as what it begins", () => {
  test.each([
    ["some **bold te", "<p>some <strong>bold te</strong></p>"],
    ["some **bold*", "<p>some <strong>bold</strong></p>"],
    ["some **", "<p>some </p>"],
    ["some *it", "<p>some <em>it</em></p>"],
    ["**bold and *both", "<p><strong>bold and <em>both</em></strong></p>"],
    ["~~gone", "<p><del>gone</del></p>"],
    ["**提示：", "<p><strong>提示：</strong></p>"],
    ["run `npm i", "<p>run <code>npm i</code></p>"],
    ["run `", "<p>run </p>"],
    ["see [the docs", "<p>see the docs</p>"],
    ["see [the docs](https://exa", "<p>see the docs</p>"],
    ["see [the docs][re", "<p>see the docs</p>"],
    ["see ![a diagram](htt", '<p>see <span class="image">a diagram</span></p>'],
    ["a claim[^", "<p>a claim</p>"],
    ["a claim[^1", "<p>a claim</p>"],
    ["H<sub>2", "<p>H<sub>2</sub></p>"],
    ["line<b", "<p>line</p>"],
    ["then $x^2 + ", '<p>then <span class="math pending">…</span></p>'],
    ["then \\(x", '<p>then <span class="math pending">…</span></p>'],
    ["$$\nx = 1\n\ny", '<p><span class="math pending">…</span></p>'],
    ["\\begin{align}\na &= b", '<p><span class="math pending">…</span></p>'],
    ["text\n-", "<p>text</p>"],
    ["text\n==", "<p>text</p>"],
    ["- item\n- ", "<ul><li>item</li></ul>"],
    ["1. item\n2", "<ol><li>item</li></ol>"],
    ["text\n\n#", "<p>text</p>"],
    ["text\n\n``", "<p>text</p>"],
    ["text\n\n```py", "<p>text</p>"],
    ["```py\nx = 1\n``", "<pre>x = 1</pre>"],
    ["> [!NO", ""],
    ["| a | b", "<table><tr><th>a</th><th>b</th></tr></table>"],
    ["| a | b |\n|-", "<table><tr><th>a</th><th>b</th></tr></table>"],
    ["| a | b |\n|---|---|\n| **x", "<table><tr><th>a</th><th>b</th></tr><tr><td><strong>x</strong></td></tr></table>"],
    ["- item\n\n  | a |", "<ul><li><p>item</p><table><thead><tr><th>a</th></tr></thead><tbody></tbody></table></li></ul>"],
  ])("%j", (text, html) => {
    expect(growing(text)).toBe(html);
  });

  test.each([
    ["2*3 = 6", "<p>2*3 = 6</p>"],
    ["costs $5 and", "<p>costs $5 and</p>"],
    ["set $HOME to", "<p>set $HOME to</p>"],
    ["an [old bracket] and", "<p>an [old bracket] and</p>"],
  ])("but %j stays what it is", (text, html) => {
    expect(growing(text)).toBe(html);
  });

  test("and a mark without a partner is a character once the text is whole", () => {
    expect(rendered("some **bold te")).toBe("<p>some **bold te</p>");
    expect(rendered("run `npm")).toBe("<p>run `npm</p>");
    expect(rendered("see [the docs](https://exa")).toBe('<p>see [the docs](<a href="https://exa">https://exa</a></p>');
    expect(rendered("$$\nx = 1\n\ny")).toBe("<p>$$<br>x = 1</p><p>y</p>");
    expect(rendered("text\n-")).toBe('<h4 class="h2">text</h4>');
    expect(rendered("| a | b")).toBe("<p>| a | b</p>");
  });

  test("in a paragraph that is complete, a mark without a partner is a character at once", () => {
    expect(growing("a **b\n\nc")).toBe("<p>a **b</p><p>c</p>");
  });
});
