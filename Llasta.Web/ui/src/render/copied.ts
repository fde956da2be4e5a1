import { el } from "../dom/element.ts";

/** What belongs to this page or isn't shown. */
export const notCopied =
  "figcaption, button, svg, textarea, select, input, noscript, .table-tools, .visually-hidden, [hidden], dialog:not([open]), details:not([open]) > :not(summary)";

/** A copy without what belongs to this page, such as its buttons and labels, what isn't shown, and all attributes but those of content. */
export function forOtherPrograms(content: HTMLElement): HTMLElement {
  const copy = content.cloneNode(true) as HTMLElement;
  for (const own of copy.querySelectorAll(notCopied)) own.remove();
  // These lines are kept by the style sheet.
  for (const text of copy.querySelectorAll(".question > div, .thought > p, .prose.plain"))
    text.replaceChildren(...text.textContent.split("\n").flatMap((line, i) => (i === 0 ? [line] : [el("br"), line])));
  for (const element of copy.querySelectorAll("*"))
    for (const name of ["class", "style", "tabindex", "role", "aria-label", "id"]) element.removeAttribute(name);
  return copy;
}
