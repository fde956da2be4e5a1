/** The keys that the tests press, by their names in the DOM. */
export type Key = "Enter" | "Escape" | "PageUp" | "End" | "v";

/** A browser other than Chromium, with one page. */
export interface Engine {
  /** Loads a page and waits for its `load` event. */
  open(url: string): Promise<void>;
  /** Runs a function in the page, which can't use anything around it but its argument. */
  evaluate<Result, Argument = undefined>(run: (argument: Argument) => Result | Promise<Result>, argument?: Argument): Promise<Result>;
  /** Types into the focused element. */
  type(text: string): Promise<void>;
  press(key: Key, modifier?: "Control"): Promise<void>;
  /** Clicks a point of the window, in CSS pixels. */
  click(x: number, y: number): Promise<void>;
  /** The size of the page's part of the window, in CSS pixels. */
  resize(width: number, height: number): Promise<void>;
  screenshot(path: string): Promise<void>;
  /** The page on paper, as a PDF. Not every driver prints. */
  readonly print?: () => Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Runs in each page before anything else: collects what the browser complains of. */
export const watch = (): void => {
  const complaints: string[] = [];
  (window as unknown as { complaints: string[] }).complaints = complaints;
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => complaints.push(`${violatedDirective} ${blockedURI}`));
  addEventListener("error", ({ message }) => complaints.push(message));
  addEventListener("unhandledrejection", ({ reason }) => complaints.push(String(reason)));
};
