const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (!(target instanceof HTMLElement)) continue;
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

/** Makes an element a tab stop while its content is wider than it: scrolling must work by keyboard, too. */
export const reachableWhileWide = (element: HTMLElement): void => observer.observe(element);
