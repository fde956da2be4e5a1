import { describe, expect, test } from "vitest";
import { blocksOf, GrowingMarkdown } from "../../src/markdown/blocks.ts";
import { rendered } from "./render.ts";

const paragraph = (text: string): string => rendered(text).replace(/^<p>|<\/p>$/g, "");

describe("emphasis beside the punctuation of scripts without spaces", () => {
  test.each([
    ["**提示：**先保存", "<strong>提示：</strong>先保存"],
    ["这是**「重点」**内容", "这是<strong>「重点」</strong>内容"],
    ["**“重要内容”**要检查", "<strong>“重要内容”</strong>要检查"],
    ["他说**“重要”**API", "他说<strong>“重要”</strong>API"],
    ["彼は**「はい」**と言った", "彼は<strong>「はい」</strong>と言った"],
    ["**마크다운(Markdown)**을 쓴다", "<strong>마크다운(Markdown)</strong>을 쓴다"],
    ["*斜体（括号）。*后文", "<em>斜体（括号）。</em>后文"],
    ["~~旧的（已废弃）。~~新的", "<del>旧的（已废弃）。</del>新的"],
    ["***粗斜。***后 **粗 *斜，*粗。**后", "<em><strong>粗斜。</strong></em>后 <strong>粗 <em>斜，</em>粗。</strong>后"],
    ["𠀀**。**𠀀", "𠀀<strong>。</strong>𠀀"],
    ["**หมายเหตุ:**ข้อความ", "<strong>หมายเหตุ:</strong>ข้อความ"],
    ["**注意：**a **b** c。**d。**", "<strong>注意：</strong>a <strong>b</strong> c。<strong>d。</strong>"],
  ])("%j", (text, html) => {
    expect(paragraph(text)).toBe(html);
  });

  test("changes nothing for scripts with spaces", () => {
    expect(paragraph('a**"b"**c and _a_b and snake_case_name and 2*3*4')).toBe(
      "a**&quot;b&quot;**c and _a_b and snake_case_name and 2<em>3</em>4",
    );
  });
});

describe("marks that are characters", () => {
  test.each([
    ["about (~$1.50) and (~$10)", "about (~$1.50) and (~$10)"],
    ["5~7 minutes at 160~180 degrees, 3~5天", "5~7 minutes at 160~180 degrees, 3~5天"],
    ["~~~not~~~", undefined],
    ["It costs $100 (in US$).", "It costs $100 (in US$)."],
    ["Add $HOME/bin:$PATH to it", "Add $HOME/bin:$PATH to it"],
    ["\x24{HOME}/x:\x24{PATH} and $(cmd) $(cmd)", "\x24{HOME}/x:\x24{PATH} and $(cmd) $(cmd)"],
    ["5$/mois ou 50$/an", "5$/mois ou 50$/an"],
    ["Choose 100$, 200$ or 300$.", "Choose 100$, 200$ or 300$."],
    ["$5 and $6, $20/month or $200/year", "$5 and $6, $20/month or $200/year"],
    ["set $a, $b and $c", "set $a, $b and $c"],
    ["price $$ to $$$", "price $$ to $$$"],
    ["See \\[1\\], \\[2, 3\\] and \\(a note\\)", "See [1], [2, 3] and (a note)"],
    ["array\\[i\\], \\[a, b\\]", "array[i], [a, b]"],
    ["\\[text\\](https://example.com)", '[text](<a href="https://example.com">https://example.com</a>)'],
    ["Term\n: definition", "Term<br>: definition"],
  ])("%j", (text, html) => {
    if (html === undefined) expect(rendered(text)).not.toContain("<del>");
    else expect(paragraph(text)).toBe(html);
  });
});

describe("a document in a fence", () => {
  const codes = (text: string): string[] =>
    blocksOf(text).map((block) => (block.kind === "code" ? `${block.language}: ${block.text}` : block.kind));

  test("contains its own fences, with a language or without, though they are as long as the one around it", () => {
    const document = "# Title\n\n```bash\nnpm i\n```\n\n## Files\n\n```\nsrc/\n```\n\n1. Run:\n\n   ```js\n   run();\n   ```";
    expect(codes(`Here:\n\n\`\`\`markdown\n${document}\n\`\`\`\n\nDone.\n`)).toEqual(["html", `markdown: ${document}`, "html"]);
    expect(codes(`~~~~md\n${document.replaceAll("```", "~~~~")}\n~~~~\n`)).toEqual([`md: ${document.replaceAll("```", "~~~~")}`]);
    expect(codes("  ```md\n  - a\n  ```js\n    b\n  ```\n  ```\n")).toEqual(["md: - a\n```js\n  b\n```"]);
    expect(rendered("- a\n  ```md\n  ```js\n  b\n  ```\n  ```\n- c")).toContain("```js\nb\n```</code></pre></li><li>c</li>");
  });

  test("contains them while it arrives", () => {
    const markdown = new GrowingMarkdown("```markdown\n# Title\n\n```bash\nnpm i\n```\n\n## Usage\n");
    expect(markdown.blocks).toEqual([{ kind: "code", language: "markdown", text: "# Title\n\n```bash\nnpm i\n```\n\n## Usage" }]);
  });

  test.each([
    ["```markdown\n# A\n```\n\n```markdown\n# B\n\n```\n\nx\n", ["markdown: # A", "markdown: # B", "html"]],
    ["Write\n\n```markdown\n```python\n```\n\nand three more.\n", ["html", "markdown: ```python", "html"]],
    ["```markdown\n# A\n\n```\nText.\n\n```js\nx\n```\n", ["markdown: # A", "html", "js: x"]],
    ['```python\n"""\n```js\n"""\n```\nText.\n', ['python: """\n```js\n"""', "html"]],
    ["````markdown\n```js\nx\n```\n````\nText.\n", ["markdown: ```js\nx\n```", "html"]],
    ["```markdown\n# A\n\n```\nHere is the rest.\n\n```\nnpm i\n```\nDone.\n", ["markdown: # A", "html", ": npm i", "html"]],
    ["```markdown\n# A\n\n```\nHere is the rest:\n```\nnpm i\n```\nDone.\n", ["markdown: # A", "html", ": npm i", "html"]],
    ["```markdown\n# A\n\n```\nHere is the rest:\n```bash\nnpm i\n```\n\nDone.\n", ["markdown: # A", "html", "bash: npm i", "html"]],
    ["```markdown\n```js\nx\n```\n\nText.\n\n```js\ny\n```\n", ["markdown: ```js\nx", "html", "js: y"]],
  ])("ends by CommonMark's rules where its fences don't pair up or nothing is in it: %j", (text, expected) => {
    expect(codes(text)).toEqual(expected);
  });

  test.each([
    ["```markdown\n# A\n\n```\nHere is the rest.\n", "# A"],
    ["```markdown\n# A\n\n```\nHere is the rest.\n\nIt is long.\n", "# A"],
    ["```markdown\n```python\n```\n\nIt is long.\n", "```python"],
    ["```markdown\n```python\nx\n```\nIt is long.\n", "```python\nx"],
  ])("isn't open any more while text arrives that may follow it: %j", (text, expected) => {
    const [first, second] = new GrowingMarkdown(text).blocks;
    expect(first).toEqual({ kind: "code", language: "markdown", text: expected });
    expect(second?.kind).toBe("html");
  });

  test("contains a code block as its first and only part if its own end follows", () => {
    expect(codes("```markdown\n```python\n```\n```\nText.\n")).toEqual(["markdown: ```python\n```", "html"]);
    expect(codes("```markdown\n# A\n\n```\nnpm i\n```\n```\nText.\n")).toEqual(["markdown: # A\n\n```\nnpm i\n```", "html"]);
  });
});

describe("formulas", () => {
  const formulas = (text: string): string[] => [...rendered(text).matchAll(/<span class="math[^>]*>([^<]*)</g)].map(([, tex]) => tex!);

  test.each([
    ["$x$, $5$, the $n$th, \\(f(x)\\) and \\( 42 \\)", ["x", "5", "n", "f(x)", "42"]],
    ["\\[ x^2 \\] and $$y$$", ["x^2", "y"]],
    ["是$a_1$的", ["a_1"]],
    ["\\begin{align}\na &= b \\\\\n\nc &= d\n\\end{align}", ["\\begin{align}\na &amp;= b \\\\\nc &amp;= d\n\\end{align}"]],
    ["text \\begin{pmatrix} 1 & 2 \\end{pmatrix} text", ["\\begin{pmatrix} 1 &amp; 2 \\end{pmatrix}"]],
    ["before\n$$\nx = 1\n\ny = 2\n$$\nafter", ["x = 1\ny = 2"]],
    ["- item\n  $$\n  x\n  $$\n- \\(y\\)", ["x", "y"]],
    ["| f | g |\n|---|---|\n| $|x|$ | $a|b$ |", ["|x|", "a|b"]],
    ["\\begin{foo} x \\end{foo}", []],
    ["$$\nnever\n\nclosed", []],
    ["$$ a\n\n# heading\n\nb $$", []],
  ])("%j", (text, expected) => {
    expect(formulas(text)).toEqual(expected);
  });
});

describe("addresses", () => {
  test.each([
    ["见https://example.com/a?b=1&c=2。另见", "https://example.com/a?b=1&amp;c=2"],
    ["（https://example.com/x）", "https://example.com/x"],
    ["https://example.com/路径", "https://example.com/"],
    ["(https://en.wikipedia.org/wiki/A_(b)).", "https://en.wikipedia.org/wiki/A_(b)"],
    ["**https://example.com/a**", "https://example.com/a"],
    ["www.example.com, and", "http://www.example.com"],
    ["[https://example.com/a]", "https://example.com/a"],
    ["me@example.com.", "mailto:me@example.com"],
    ["هل زرت https://example.com/a؟", "https://example.com/a"],
    ["https://example.com، ثم", "https://example.com"],
    ["«https://example.com/a»", "https://example.com/a"],
    ["देखें https://example.com/a।", "https://example.com/a"],
  ])("%j", (text, href) => {
    expect([...rendered(text).matchAll(/href="([^"]*)"/g)].map(([, found]) => found)).toEqual([href]);
  });

  test("show where they lead when their text says something else", () => {
    expect(paragraph("[docs](https://example.com/a)")).toBe('<a href="https://example.com/a" title="https://example.com/a">docs</a>');
    expect(paragraph("[https://bank.example](https://evil.example/login)")).toBe(
      '<a href="https://evil.example/login" title="https://evil.example/login">https://bank.example</a> <span class="host">(evil.example)</span>',
    );
    expect(paragraph("[example.com](https://www.example.com/)")).not.toContain("host");
    expect(paragraph("[Node.js](https://nodejs.org)")).not.toContain("host");
  });

  test("contain no others: a badge leads where its link leads", () => {
    expect(paragraph("[![build](https://ci.example/badge.svg)](https://ci.example)")).toBe(
      '<a href="https://ci.example" title="https://ci.example"><span class="image">build</span></a>',
    );
    // A link that leads nowhere is none.
    expect(paragraph("[![build](https://ci.example/badge.svg)](LICENSE)")).toBe(
      '<a href="https://ci.example/badge.svg" title="https://ci.example/badge.svg"><span class="image">build</span></a>',
    );
    expect(paragraph("[a[^1]](https://example.com)")).toBe('<a href="https://example.com" title="https://example.com">a<sup>1</sup></a>');
  });

  test("that run scripts or lead to this server stay text", () => {
    expect(paragraph("[a](javascript:alert(1)) [b](data:text/html,x) [c](/api/chat) [d](JaVaScRiPt&#58;x) ![e](x.png)")).toBe(
      'a b c d <span class="image">e</span>',
    );
  });
});

describe("tags", () => {
  test("without attributes are elements, in any case, in cells too", () => {
    expect(rendered("| a |\n|---|\n| x<br>y<BR/>z<br /> |")).toContain("<td>x<br>y<br>z<br></td>");
    expect(paragraph("H<sub>2</sub>O, x<SUP>**n**</SUP>, <kbd>Ctrl</kbd>")).toBe(
      "H<sub>2</sub>O, x<sup><strong>n</strong></sup>, <kbd>Ctrl</kbd>",
    );
  });

  test("with attributes, without a partner, or any others are text", () => {
    expect(paragraph('<sub class="x">a</sub> <kbd>b <b>c</b> <script>d</script> <br onclick="x">')).not.toMatch(/<(?!\/?p)/);
  });

  test("nest properly whatever stands within them", () => {
    expect(paragraph("<sub>[a</sub>](https://example.com) <sup>**b</sup>**")).toBe(
      '<sub>[a</sub>](<a href="https://example.com">https://example.com</a>) <sup>**b</sup>**',
    );
  });
});

describe("callouts, footnotes and tables", () => {
  test("a quotation that begins with its kind is a callout", () => {
    expect(rendered("> [!WARNING]\n> Mind **it**\n> - a")).toBe(
      '<div class="callout callout-warning"><p>Mind <strong>it</strong></p><ul><li>a</li></ul></div>',
    );
    expect(rendered("> [!tip] On one line")).toContain('<div class="callout callout-tip"><p>On one line</p>');
    expect(rendered("> [!OTHER]\n> x")).toContain("<blockquote>");
  });

  test("a footnote has its label, its paragraphs, and references before and after", () => {
    const html = rendered("A[^1], b[^x]\n\n[^1]: First.\n[^x]: Second\n    line.\n\n    More.\n\nC[^1]");
    expect(html).toContain('A<sup class="reference"><a class="note-1">1</a></sup>');
    expect(html).toContain('b<sup class="reference"><a class="note-x">x</a></sup>');
    expect(html).toContain('<div class="footnote note-1"><span class="label">1</span><p>First.</p></div>');
    expect(html).toContain('<span class="label">x</span><p>Second<br>line.</p><p>More.</p></div>');
    expect(html).toContain('<p>C<sup class="reference">');
  });

  test("a word in brackets with a caret is a reference only if it is defined", () => {
    expect(paragraph("[^a-z] matches")).toBe("[^a-z] matches");
  });

  test("a row with too many cells loses nothing", () => {
    expect(rendered("| a | b |\n|---|---|\n| 1 | 2 | 3 |")).toContain("<td>1</td><td>2 | 3</td>");
    expect(rendered("| a | b |\n|---|---|\n| `x|y` | 2 |")).toContain("<td><code>x|y</code></td><td>2</td>");
  });

  test("a table may have more or fewer cells in its header than in the row below it", () => {
    const cells = (text: string): string[] => [...rendered(text).matchAll(/<t[hd](?: [^>]*)?>(.*?)<\/t/g)].map(([, cell]) => cell!);
    expect(cells("| a | b | c |\n|---|---|\n| 1 | 2 | 3 |")).toEqual(["a", "b", "c", "1", "2", "3"]);
    expect(cells("| a | b |\n|---|---|---|\n| 1 | 2 | 3 |")).toEqual(["a", "b", "", "1", "2", "3"]);
    expect(cells("- | a | b |\n  |:-:|\n  | 1 | 2 |")).toEqual(["a", "b", "1", "2"]);
    expect(rendered("a | b | c\n--- | ---\n1 | 2")).not.toContain("<t");
    expect(rendered("| a | b |\n---\n1 | 2")).not.toContain("<t");
    expect(rendered("| a | b |\n| 1 | 2 |")).not.toContain("<t");
  });

  test("each block has the direction of its words, what is within it has none of its own, and code is from left to right", () => {
    const { blocks } = new GrowingMarkdown("שלום `x` $y$\n\n> ציטוט\n> - פריט\n\n# א");
    expect(blocks.map((block) => (block.kind === "html" ? block.html : ""))).toEqual([
      '<p dir="auto">שלום <code dir="ltr">x</code> <span class="math" dir="ltr">y</span></p>',
      '<blockquote dir="auto"><p>ציטוט</p><ul><li>פריט</li></ul></blockquote>',
      '<h3 class="h1" dir="auto">א</h3>',
    ]);
  });
});
