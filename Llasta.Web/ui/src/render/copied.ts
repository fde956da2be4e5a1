import { el } from "../dom/element.ts";

/** A copy without what belongs to this page: its buttons and labels, and all attributes but those of content. */
export function forOtherPrograms(content: HTMLElement): HTMLElement {
  const copy = content.cloneNode(true) as HTMLElement;
  for (const own of copy.querySelectorAll("figcaption, button, svg, .table-tools")) own.remove();
  // The lines of a question are kept by the style sheet.
  for (const text of copy.querySelectorAll(".question > div"))
    text.replaceChildren(...text.textContent.split("\n").flatMap((line, i) => (i === 0 ? [line] : [el("br"), line])));
  for (const element of copy.querySelectorAll("*"))
    for (const name of ["class", "style", "tabindex", "role", "aria-label", "id"]) element.removeAttribute(name);
  return copy;
}
