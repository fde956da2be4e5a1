import { updateIntervalMs } from "../turn/pace.ts";

/** The interval between two updates is at least this many times the cost of one: the page stays responsive. */
const costFactor = 25;

/** The longest interval, milliseconds: the reader still sees that text arrives. */
const longestInterval = 500;

/** The weight of one update in the average cost: a single slow update is no reason to slow down. */
const weight = 0.1;

/** Runs an update at a limited rate, however often it is requested. */
export class UpdateThrottle {
  readonly #update: () => void;
  #requested = false;
  #notBefore = 0;
  #cost = updateIntervalMs / costFactor;

  constructor(update: () => void) {
    this.#update = update;
  }

  request(): void {
    if (this.#requested) return;
    this.#requested = true;
    // A timer instead of requestAnimationFrame: scrolling in a frame's callback would request another frame just to report it.
    setTimeout(() => this.#run(), this.#notBefore - performance.now());
  }

  #run(): void {
    this.#requested = false;
    const begin = performance.now();
    this.#update();
    this.#cost += weight * (performance.now() - begin - this.#cost);
    this.#notBefore = begin + Math.min(longestInterval, Math.max(updateIntervalMs, this.#cost * costFactor));
  }
}
