/** After a failure, loading is retried, but not before this time has passed. Milliseconds. */
const retryDelay = 5000;

/** A part of the page that is loaded when it is first needed. */
export class Lazy<Part> {
  /** Set once the part is loaded. */
  part: Part | undefined;
  readonly #import: () => Promise<Part>;
  #loading: Promise<Part> | undefined;

  /** @param load imports the part and does nothing else: a handler that follows an `import()` directly would keep the failure from `vite:preloadError`. */
  constructor(load: () => Promise<Part>) {
    this.#import = load;
  }

  /** Rejects if the part can't be loaded now: there is no network, or a newer version of the page has taken its place. */
  load(): Promise<Part> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<Part> {
    try {
      this.part = await this.#import();
      return this.part;
    } catch (error) {
      setTimeout(() => {
        this.#loading = undefined;
      }, retryDelay);
      throw error;
    }
  }
}
