import { SizeObserver } from "./sizeObserver.ts";

/**
 * Lets the browser skip the layout of settled elements that are off screen, without losing their sizes. An element is
 * marked `measured` once its true height is known: only then the styles let it be skipped, in a box of exactly that height.
 */
class LayoutMemory {
  readonly #observer = new SizeObserver(({ target, contentBoxSize }) => {
    // The property takes the content's height: with the padding in it, the element would grow each time it is skipped.
    const height = contentBoxSize[0]?.blockSize ?? 0;
    if (height === 0 || !(target instanceof HTMLElement)) return;
    target.style.setProperty("contain-intrinsic-block-size", `auto ${height}px`);
    target.classList.add("measured");
  });

  /** The element doesn't grow any more: it is measured after the next layout, and whenever its height changes. */
  settle(element: Element): void {
    this.#observer.observe(element);
  }

  /** The element grows again. */
  unsettle(element: Element): void {
    if (this.#observer.unobserve(element)) element.classList.remove("measured");
  }
}

export const layoutMemory = new LayoutMemory();
