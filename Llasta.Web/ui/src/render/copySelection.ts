import { el } from "../dom/element.ts";
import { forOtherPrograms, notCopied } from "./copied.ts";
import { sourceOf } from "./formula.ts";

/** Without these around it, a part of them has no meaning. */
const containers = "ul, ol, table, thead, tbody, tr";

/**
 * Copies what is selected as other programs need it. Browsers add the colours and fonts of the page, so that text from a dark page
 * is white, or on black, in a letter. And they copy the letters of a formula one below the other: here, plain text has its TeX.
 */
export function copySelection(event: ClipboardEvent): void {
  const selection = getSelection();
  const { clipboardData, target } = event;
  // A text field's own selection isn't the document's.
  if (
    !clipboardData ||
    selection?.rangeCount !== 1 ||
    selection.isCollapsed ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLInputElement
  )
    return;
  const range = selection.getRangeAt(0);
  const { commonAncestorContainer: ancestor } = range;
  const around = ancestor instanceof Element ? ancestor : ancestor.parentElement!;
  if (around.closest(".math")) return;
  event.preventDefault();
  // Code, questions, thoughts, and answers that can't be drawn are plain text.
  if (around.closest("pre, .question, .thought, .prose.plain")) {
    clipboardData.setData("text/plain", selection.toString());
    return;
  }
  const selected = [...around.querySelectorAll(".math.rendered")].filter((formula) => range.intersectsNode(formula));
  let content: Node = range.cloneContents();
  for (let outer = around; outer.matches(containers); outer = outer.parentElement!) {
    const container = outer.cloneNode();
    container.appendChild(content);
    content = container;
  }
  const copied = el("div", { className: "visually-hidden" }, content);
  clipboardData.setData("text/html", forOtherPrograms(copied).innerHTML);
  // The copies are in the same order.
  copied.querySelectorAll(".math.rendered").forEach((formula, i) => formula.replaceWith(sourceOf(selected[i]!) ?? ""));
  for (const own of copied.querySelectorAll(notCopied)) own.remove();
  // Only an element in the page has its text with line breaks.
  document.body.append(copied);
  clipboardData.setData("text/plain", copied.innerText);
  copied.remove();
}
