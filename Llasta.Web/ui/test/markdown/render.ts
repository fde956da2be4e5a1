import { type Block, GrowingMarkdown } from "../../src/markdown/blocks.ts";
import { escapeHtml } from "../../src/markdown/text.ts";

const htmlOf = (block: Block): string => {
  switch (block.kind) {
    case "html":
    case "footnote":
      return block.html;
    case "list":
      if (!block.ordered) return `<ul>${block.parts.join("")}</ul>`;
      return `<ol${block.start === 1 ? "" : ` start="${block.start}"`}>${block.parts.join("")}</ol>`;
    case "table":
      return `<table>${block.head}${block.parts.join("")}</table>`;
    case "code":
      return `<pre>${escapeHtml(block.text)}</pre>`;
  }
};

/** The HTML of a whole text, without the attributes that every block and link has. */
export const rendered = (text: string): string => show(text, true);

/** The HTML of a text that still grows. */
export const growing = (text: string): string => show(text, false);

function show(text: string, isComplete: boolean): string {
  const markdown = new GrowingMarkdown(text);
  if (isComplete) markdown.finish();
  return markdown.blocks
    .map(htmlOf)
    .join("")
    .replace(/ (?:dir|target|rel)="[^"]*"/g, "");
}
