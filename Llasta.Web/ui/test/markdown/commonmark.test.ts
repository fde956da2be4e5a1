import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { rendered } from "./render.ts";

interface Example {
  readonly markdown: string;
  readonly html: string;
  readonly section: string;
  readonly number: number;
}

const examples = (createRequire(import.meta.url)("commonmark-spec") as { tests: Example[] }).tests;

/** Where this page differs from the specification on purpose. */
const differences: Record<string, readonly number[]> = {
  "a description of an image stays as it was written": [520, 573, 574, 575, 576, 577, 585, 589],
  "an image without a description shows its address": [581],
  "an address is a link without angle brackets, too": [602, 608, 611, 612],
  "named references are left to the browser, which knows them": [25, 28, 30, 34],
};

const isExpectedToDiffer = ({ number }: Example): boolean => Object.values(differences).some((numbers) => numbers.includes(number));

/** Raw HTML is text here. */
const hasHtml = ({ section, markdown }: Example): boolean =>
  /HTML/.test(section) || /<[a-z/!?]/i.test(markdown.replace(/<(?:https?|mailto):/gi, ""));

const unescaped = (html: string): string =>
  html
    .replace(/&(?:#(\d+)|#[xX]([\da-fA-F]+));/g, (_, decimal, hex) => {
      const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
      return code === 0 ? "\uFFFD" : String.fromCodePoint(code);
    })
    .replaceAll("&quot;", '"')
    .replaceAll("&gt;", ">");

/** Both without what this page adds (titles that show addresses) or does otherwise (line ends, levels of headings). */
const comparable = (html: string): string =>
  unescaped(html)
    .replace(/ title="(?:[^"]|"(?!>))*"/g, "")
    .replace(/<(\/?)h\d(?: class="h(\d)")?>/g, (tag, end: string, depth?: string) => (end ? "</h>" : `<h${depth ?? tag[2]}>`))
    .replace(/ start="1"/g, "")
    .replace(/<br(?: \/)?>\n?/g, "\n")
    .replace(/<hr \/>/g, "<hr>")
    .replace(/<pre><code[^>]*>|<\/code><\/pre>/g, (tag) => (tag.startsWith("</") ? "</pre>" : "<pre>"))
    .replace(/\s+/g, " ")
    .replace(/ ?(<\/?(?:p|ul|ol|li|blockquote|h\d?|hr|pre)\b[^>]*>) ?/g, "$1")
    .trim();

/** The specification's HTML with links and images as this page shows them. */
const withOurLinks = (html: string): string =>
  html
    .replace(/<img src="[^"]*" alt="([^"]*)"(?: title="[^"]*")? \/>/g, '<span class="image">$1</span>')
    .replace(/<a href="(?!https?:|mailto:)[^"]*"(?: title="[^"]*")?>([^]*?)<\/a>/gi, "$1")
    .replace(/%5B/g, "[")
    .replace(/%5C/g, "\\")
    .replace(/%5D/g, "]")
    .replace(/%60/g, "`");

test.each(examples.filter((example) => !hasHtml(example) && !isExpectedToDiffer(example)))(
  "example $number of CommonMark ($section)",
  ({ markdown, html }) => {
    expect(comparable(rendered(markdown.replaceAll("→", "\t")))).toBe(comparable(withOurLinks(html.replaceAll("→", "\t"))));
  },
);
