const observer = new ResizeObserver((entries) => {
  for (const { target, borderBoxSize } of entries) {
    const height = borderBoxSize[0]?.blockSize ?? 0;
    if (!(target instanceof HTMLElement) || height === 0) continue;
    observer.unobserve(target);
    target.style.containIntrinsicBlockSize = `auto ${height}px`;
    target.classList.add("measured");
  }
});

/**
 * Lets the browser skip a complete part of a long answer while it is off screen. Its height is measured first: with a
 * guess in its place, the text would jump under a reader who pages up.
 */
export const skippedWhenOffScreen = (chunk: HTMLElement): void => observer.observe(chunk);
