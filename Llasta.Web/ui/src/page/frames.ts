/** Between two updates of the page lies at least this time, milliseconds: text that flows need not come 60 times a second. */
const shortest = 48;

/** And at least so many times what the last update cost, so that streaming leaves the page nearly all of its time; */
const share = 10;

/** but never more than this, milliseconds: the reader sees that something comes. */
const longest = 500;

/** Calls an update at most once per frame, however often it is asked for. */
export class Frames {
  readonly #update: () => void;
  #asked = false;
  #notBefore = 0;

  constructor(update: () => void) {
    this.#update = update;
  }

  ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    const wait = this.#notBefore - performance.now();
    if (wait > 8) setTimeout(() => requestAnimationFrame(() => this.#run()), wait - 8);
    else requestAnimationFrame(() => this.#run());
  }

  #run(): void {
    this.#asked = false;
    const begin = performance.now();
    this.#update();
    const end = performance.now();
    this.#notBefore = begin + Math.min(longest, Math.max(shortest, (end - begin) * share));
  }
}
