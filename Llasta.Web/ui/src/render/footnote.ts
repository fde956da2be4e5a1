import { el } from "../dom/element.ts";
import type { Words } from "../words/index.ts";

/*
 * References and footnotes find each other by a class, within one answer: other answers have footnotes of the same
 * labels. They are buttons that move the focus, so that the page's address stays as it is.
 */
const nameOf = (element: Element): string => [...element.classList].find((name) => name.startsWith("note-")) ?? "";

const focusIn = (from: Element, selector: string): void => from.closest(".prose")?.querySelector<HTMLElement>(selector)?.focus();

/** The button of a reference, in place of the Markdown's element. */
export function footnoteLink(reference: Element, words: Words): HTMLButtonElement {
  const label = reference.textContent;
  const name = nameOf(reference);
  const link = el("button", { type: "button", className: name, ariaLabel: words.footnote(label) }, label);
  link.onclick = () => focusIn(link, `.footnote.${CSS.escape(name)}`);
  return link;
}

/** Makes a footnote a place for the focus, with a way back to the first reference. */
export function addWayBack(footnote: HTMLElement, words: Words): void {
  const label = words.backToFootnote(footnote.querySelector(".label")?.textContent ?? "");
  const back = el("button", { type: "button", className: "back", ariaLabel: label, title: label }, "↩");
  const name = nameOf(footnote);
  back.onclick = () => focusIn(back, `.reference > .${CSS.escape(name)}`);
  footnote.tabIndex = -1;
  const last = footnote.lastElementChild;
  (last?.matches("p") ? last : footnote).append(" ", back);
}
