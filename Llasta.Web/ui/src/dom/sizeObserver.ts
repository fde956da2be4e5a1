/** All that is observed, and by whom. */
const observed = new Map<Element, SizeObserver>();

/** The time between a change and the search for what was removed, milliseconds. */
const searchAfter = 200;
let isSearchDue = false;

/** The browser doesn't report all that was removed: not what was hidden before, nor what was drawn and removed within a frame. */
function searchLater(): void {
  if (isSearchDue) return;
  isSearchDue = true;
  setTimeout(() => {
    isSearchDue = false;
    for (const [element, observer] of observed) if (!element.isConnected) observer.unobserve(element);
  }, searchAfter);
}

/** Reports the sizes of elements in the page. What was removed isn't observed any more: Firefox would keep it in memory. */
export class SizeObserver {
  readonly #observer: ResizeObserver;

  constructor(report: (entry: ResizeObserverEntry) => void) {
    this.#observer = new ResizeObserver((entries) => {
      for (const entry of entries)
        if (entry.target.isConnected) report(entry);
        else searchLater();
    });
  }

  /** Observes an element, unless it is observed already. An element has only one observer. */
  observe(element: Element): void {
    if (observed.has(element)) return;
    observed.set(element, this);
    this.#observer.observe(element);
    searchLater();
  }

  /** @returns whether the element was observed. */
  unobserve(element: Element): boolean {
    if (!observed.delete(element)) return false;
    this.#observer.unobserve(element);
    return true;
  }
}
