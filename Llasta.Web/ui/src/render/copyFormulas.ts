import { el } from "../dom/element.ts";

/** Copies the formulas in a selection as their TeX: browsers would copy their letters one below the other. */
export function copyFormulasAsTex(event: ClipboardEvent): void {
  const selection = getSelection();
  const { clipboardData, target } = event;
  // A text field's own selection isn't the document's.
  if (!clipboardData || !selection || selection.isCollapsed || target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement)
    return;
  const copied = el("div", { className: "visually-hidden" }, selection.getRangeAt(0).cloneContents());
  const formulas = copied.querySelectorAll<HTMLElement>(".math.rendered");
  if (formulas.length === 0) return;
  clipboardData.setData("text/html", copied.innerHTML);
  for (const formula of formulas) formula.replaceWith(formula.dataset["tex"] ?? "");
  // Only an element in the page has its text with line breaks.
  document.body.append(copied);
  clipboardData.setData("text/plain", copied.innerText);
  copied.remove();
  event.preventDefault();
}
