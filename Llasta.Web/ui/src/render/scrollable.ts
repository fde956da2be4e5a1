import { SizeObserver } from "../dom/sizeObserver.ts";

const observer = new SizeObserver(({ target }) => {
  if (target instanceof HTMLElement) update(target);
});

const update = (element: HTMLElement): void => {
  if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
  else element.removeAttribute("tabindex");
};

/** The content of an element has another width, which the element's own size doesn't show. */
export const contentResized = update;

/** Elements off screen aren't laid out, and the observer doesn't report them: they are measured once, a little later. Milliseconds. */
const measureAfter = 200;
const unmeasured = new Set<HTMLElement>();

function measure(): void {
  for (const element of unmeasured) if (element.isConnected) update(element);
  unmeasured.clear();
}

/** Makes an element a tab stop while its content is wider than it: scrolling must work by keyboard, too. */
export function reachableWhileWide(element: HTMLElement): void {
  observer.observe(element);
  if (unmeasured.size === 0) setTimeout(measure, measureAfter);
  unmeasured.add(element);
}
