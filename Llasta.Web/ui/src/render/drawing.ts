type Drawing = typeof import("./draw.ts");

/** After a failure the part is asked for again with the next text, but not before this time, milliseconds. */
const retryDelay = 5000;

let drawing: Drawing | undefined;
let loading: Promise<Drawing> | undefined;

/** The part of the page that draws Markdown, once it is loaded. The first paint doesn't need it, the first answer does. */
export const drawingNow = (): Drawing | undefined => drawing;

/** Loads that part. Until it is there, and where it can't be loaded, texts are read as they are. */
export const loadDrawing = (): Promise<Drawing> =>
  (loading ??= import("./draw.ts").then(
    (module) => (drawing = module),
    (error: unknown) => {
      setTimeout(() => (loading = undefined), retryDelay);
      throw error;
    },
  ));

/** Runs work when the browser has nothing else to do. */
export const whenIdle = (work: () => void): void => {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 1000 });
  else setTimeout(work, 50);
};

whenIdle(() => void loadDrawing().catch(() => undefined));
