import type { Words } from "../words/index.ts";
import { titleCallout } from "./callout.ts";
import { CodeBlock } from "./codeBlock.ts";
import { footnoteLink } from "./footnote.ts";
import { renderMath } from "./formula.ts";

/** Tells the style sheet if a list has long numbers: they stand before its text, and nothing is painted outside of a long answer. */
export function leaveRoom(list: HTMLOListElement): void {
  const { length } = String(list.start + list.children.length - 1);
  list.className = length < 3 ? "" : length < 5 ? "long-numbers" : "longest-numbers";
}

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
  for (const list of root.querySelectorAll("ol")) leaveRoom(list);
  for (const reference of root.querySelectorAll(".reference > a")) reference.replaceWith(footnoteLink(reference, words));
  return [...root.querySelectorAll("pre > code")].map((code) => {
    const block = new CodeBlock(/language-(\S+)/.exec(code.className)?.[1] ?? "", code.textContent.replace(/\n$/, ""), words);
    code.parentElement!.replaceWith(block.element);
    return block;
  });
}
