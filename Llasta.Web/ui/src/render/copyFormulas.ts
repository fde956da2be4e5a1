import { el } from "../dom/element.ts";
import { sourceOf } from "./formula.ts";

/** Copies the formulas in a selection as their TeX: browsers would copy their letters one below the other. */
export function copyFormulasAsTex(event: ClipboardEvent): void {
  const selection = getSelection();
  const { clipboardData, target } = event;
  // A text field's own selection isn't the document's.
  if (!clipboardData || !selection || selection.isCollapsed || target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement)
    return;
  const range = selection.getRangeAt(0);
  const { commonAncestorContainer: ancestor } = range;
  if (!(ancestor instanceof Element)) return;
  const selected = [...ancestor.querySelectorAll(".math.rendered")].filter((formula) => range.intersectsNode(formula));
  if (selected.length === 0) return;
  const copied = el("div", { className: "visually-hidden" }, range.cloneContents());
  clipboardData.setData("text/html", copied.innerHTML);
  // The copies are in the same order.
  copied.querySelectorAll(".math.rendered").forEach((formula, i) => formula.replaceWith(sourceOf(selected[i]!) ?? ""));
  // Only an element in the page has its text with line breaks.
  document.body.append(copied);
  clipboardData.setData("text/plain", copied.innerText);
  copied.remove();
  event.preventDefault();
}
