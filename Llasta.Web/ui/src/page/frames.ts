/** Between two updates of the page lies at least this time, milliseconds: text that flows need not come 60 times a second; */
const shortest = 40;

/** and at least so many times what an update costs here, so that streaming leaves the page nearly all of its time; */
const share = 25;

/** but never more than this, milliseconds: the reader sees that something comes. */
const longest = 500;

/** What one update counts for in the average cost: a single slow one isn't a reason to slow down. */
const weight = 0.1;

/** Calls an update now and then, however often it is asked for. */
export class Frames {
  readonly #update: () => void;
  #asked = false;
  #notBefore = 0;
  #cost = shortest / share;

  constructor(update: () => void) {
    this.#update = update;
  }

  ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    // A timer, not requestAnimationFrame: scrolling there would ask for another frame, only to tell of it.
    setTimeout(() => this.#run(), this.#notBefore - performance.now());
  }

  #run(): void {
    this.#asked = false;
    const begin = performance.now();
    this.#update();
    this.#cost += weight * (performance.now() - begin - this.#cost);
    this.#notBefore = begin + Math.min(longest, Math.max(shortest, this.#cost * share));
  }
}
