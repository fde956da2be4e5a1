import type { Words } from "../words/index.ts";
import { titleCallout } from "./callout.ts";
import { CodeBlock } from "./codeBlock.ts";
import { footnoteLink } from "./footnote.ts";
import { renderMath } from "./formula.ts";

/**
 * Turns the Markdown's elements into the page's: code blocks with a copy button, formulas, callouts with titles, references that lead to their footnotes.
 * A browser that translates the page leaves code and formulas alone.
 * @returns the code blocks, which are highlighted when they are complete.
 */
export function enhance(root: Element, words: Words): CodeBlock[] {
  for (const source of root.querySelectorAll<HTMLElement>("code, kbd, .math")) source.translate = false;
  renderMath(root);
  const callouts = [...(root.matches(".callout") ? [root] : []), ...root.querySelectorAll(".callout")];
  for (const callout of callouts) if (callout instanceof HTMLElement) titleCallout(callout, words);
  for (const reference of root.querySelectorAll(".reference > a")) reference.replaceWith(footnoteLink(reference, words));
  return [...root.querySelectorAll("pre > code")].map((code) => {
    const block = new CodeBlock(/language-(\S+)/.exec(code.className)?.[1] ?? "", code.textContent.replace(/\n$/, ""), words);
    code.parentElement!.replaceWith(block.element);
    return block;
  });
}
