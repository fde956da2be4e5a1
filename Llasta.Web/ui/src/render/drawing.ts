import { Lazy } from "./lazy.ts";

const drawing = new Lazy(() => import("./markdownView.ts"));

/** The code that draws Markdown, once it is loaded. The first paint doesn't need it; the first answer does. */
export const drawingNow = () => drawing.part;

/** Loads that code. Until then, and if loading fails, texts are shown unformatted. */
export const loadDrawing = () => drawing.load();

/** Runs work when the browser is idle. */
export const whenIdle = (work: () => void): void => {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 1000 });
  else setTimeout(work, 50);
};

/** Whoever presses a key or a button is about to ask: the code is there before the answer, and doesn't hold up the page's start. */
const prepare = (): void => {
  for (const name of signsOfUse) window.removeEventListener(name, prepare);
  whenIdle(() => void loadDrawing().catch(() => undefined));
};
const signsOfUse = ["keydown", "pointerdown"] as const;
for (const name of signsOfUse) window.addEventListener(name, prepare, { passive: true });
