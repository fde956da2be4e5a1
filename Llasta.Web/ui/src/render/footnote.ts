import { el } from "../dom/element.ts";
import type { Words } from "../words/index.ts";

/*
 * References and footnotes share a class, and are looked up within their answer: other answers have footnotes with the
 * same labels. They are connected by buttons that move the focus, so that the page's address doesn't change.
 */
const nameOf = (element: Element): string => [...element.classList].find((name) => name.startsWith("note-")) ?? "";

const focusIn = (from: Element, selector: string): void => from.closest(".prose")?.querySelector<HTMLElement>(selector)?.focus();

/** The button that replaces a reference. */
export function footnoteLink(reference: Element, words: Words): HTMLButtonElement {
  const label = reference.textContent;
  const name = nameOf(reference);
  const link = el("button", { type: "button", className: name, ariaLabel: words.footnote(label) }, label);
  link.onclick = () => focusIn(link, `.footnote.${CSS.escape(name)}`);
  return link;
}

/** Makes a footnote focusable and adds a button that leads back to its first reference. */
export function addWayBack(footnote: HTMLElement, words: Words): void {
  const label = words.backToFootnote(footnote.querySelector(".label")?.textContent ?? "");
  const back = el("button", { type: "button", className: "back", ariaLabel: label, title: label }, "↩");
  const name = nameOf(footnote);
  back.onclick = () => focusIn(back, `.reference > .${CSS.escape(name)}`);
  footnote.tabIndex = -1;
  const last = footnote.lastElementChild;
  (last?.matches("p") ? last : footnote).append(" ", back);
}
