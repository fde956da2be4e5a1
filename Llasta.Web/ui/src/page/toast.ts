import { announce } from "../dom/announcer.ts";
import { button, el } from "../dom/element.ts";

/** How long an action can be undone, milliseconds; longer while the pointer or the focus is on the toast. */
const duration = 8000;

/** A message at the edge of the page that says what was done and offers to undo it. */
export class Toast {
  readonly element = el("div", { className: "toast", hidden: true });
  #timer = 0;

  constructor() {
    for (const name of ["pointerenter", "focusin"]) this.element.addEventListener(name, () => clearTimeout(this.#timer));
    for (const name of ["pointerleave", "focusout"]) this.element.addEventListener(name, () => this.#hideLater());
  }

  show(text: string, undo: { label: string; run: () => void } | undefined): void {
    const undoButton =
      undo &&
      button(undefined, undo.label, () => {
        this.hide();
        undo.run();
      });
    this.element.replaceChildren(el("p", {}, text), ...(undoButton ? [undoButton] : []));
    this.element.hidden = false;
    announce(text);
    this.#hideLater();
  }

  hide(): void {
    clearTimeout(this.#timer);
    this.element.hidden = true;
  }

  #hideLater(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.hide(), duration);
  }
}
