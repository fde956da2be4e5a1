import { type Direction, eventOfKey, follow, type FollowEvent } from "./follow.ts";

/** Whether the browser's own Page Up takes the bars over the page into account (`scroll-padding`). WebKit's doesn't, and would skip lines. */
const pagesBetweenBars = CSS.supports("overflow-anchor", "auto");

const isPageKey = ({ key, ctrlKey, altKey, metaKey }: KeyboardEvent): boolean =>
  (key === "PageUp" || key === "PageDown" || key === " ") && !ctrlKey && !altKey && !metaKey;

/** Keeps the end of the conversation in view as long as the reader wants it. */
export class Scrolling {
  readonly #onChange: (atEnd: boolean) => void;
  #following = true;
  #top = 0;
  #height = 0;
  #touchY = 0;
  #held = false;
  #empty = true;

  constructor(onChange: (following: boolean) => void) {
    this.#onChange = onChange;
    const passive = { passive: true };
    window.addEventListener(
      "wheel",
      // With Ctrl, and when two fingers pinch on a touchpad, the wheel zooms.
      ({ deltaY, ctrlKey, target }) => deltaY < 0 && !ctrlKey && this.#following && !scrollsItself(target, "up") && this.#moving("up"),
      passive,
    );
    window.addEventListener("touchstart", (event) => (this.#touchY = event.touches[0]?.clientY ?? 0), passive);
    window.addEventListener(
      "touchmove",
      (event) => {
        const y = event.touches[0]?.clientY ?? 0;
        if (y > this.#touchY && this.#following && !scrollsItself(event.target, "up")) this.#moving("up");
        this.#touchY = y;
      },
      passive,
    );
    window.addEventListener("keydown", (event) => {
      const target = event.target;
      if (target instanceof HTMLElement && target.closest("textarea, input, select, dialog, button, summary")) return;
      const pressed = eventOfKey(event.key, event.shiftKey);
      if (pressed?.kind === "moving") {
        this.#moving(pressed.direction);
        if (!pagesBetweenBars && isPageKey(event) && !scrollsItself(target, pressed.direction)) {
          event.preventDefault();
          this.#page(pressed.direction);
        }
      } else if (pressed && !this.#empty) {
        // The browser's own way to the end would stop where the end was when the key was pressed.
        event.preventDefault();
        this.toEnd();
      }
    });
    window.addEventListener("click", ({ target }) => target instanceof Element && target.closest("summary") && this.#unfolding());
    document.addEventListener("selectionchange", () => this.#selecting());
    window.addEventListener("scroll", () => this.#scrolled(), passive);
  }

  /** Call this when the content has changed. */
  keep(): void {
    this.#empty = false;
    if (this.#following && !this.#held) scrollTo({ top: this.#root.scrollHeight, behavior: "instant" });
    this.#remember();
  }

  /** There is nothing to follow: the view stays at the top until content arrives. */
  toStart(): void {
    this.#empty = true;
    this.#take({ kind: "to-end" });
    scrollTo({ top: 0, behavior: "instant" });
    this.#remember();
  }

  toEnd(): void {
    this.#take({ kind: "to-end" });
    this.keep();
  }

  get #root(): Element {
    return document.documentElement;
  }

  #page(direction: "up" | "down"): void {
    const { scrollPaddingBlockStart, scrollPaddingBlockEnd } = getComputedStyle(this.#root);
    const free = this.#root.clientHeight - Number.parseFloat(scrollPaddingBlockStart) - Number.parseFloat(scrollPaddingBlockEnd);
    scrollBy({ top: direction === "up" ? -free : free });
  }

  #selecting(): void {
    const selection = getSelection();
    const inConversation = selection?.anchorNode?.parentElement?.closest(".transcript");
    if (selection && !selection.isCollapsed && inConversation) this.#take({ kind: "selecting" });
  }

  #moving(direction: "up" | "down"): void {
    if (this.#root.scrollTop > 0) this.#take({ kind: "moving", direction });
  }

  /** The reader opened something above the end: the view stays there, even if the end moves out of view. */
  #unfolding(): void {
    this.#held = true;
    setTimeout(() => {
      this.#held = false;
      const { scrollTop, scrollHeight, clientHeight } = this.#root;
      this.#remember();
      this.#take({ kind: "unfolded", toEnd: scrollHeight - clientHeight - scrollTop });
    });
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#root;
    const moved = scrollTop - this.#top;
    // If the page became shorter, the browser scrolled it, not the reader.
    const shrunk = scrollHeight < this.#height;
    this.#remember();
    if (moved === 0 || shrunk) return;
    this.#take({ kind: "moved", direction: moved < 0 ? "up" : "down", toEnd: scrollHeight - clientHeight - scrollTop });
  }

  #remember(): void {
    this.#top = this.#root.scrollTop;
    this.#height = this.#root.scrollHeight;
  }

  #take(event: FollowEvent): void {
    // With nothing to follow, the view may be anywhere.
    if (this.#empty && event.kind !== "to-end") return;
    const following = follow(this.#following, event);
    if (following === this.#following) return;
    this.#following = following;
    this.#onChange(following);
  }
}

/** A box of its own scrolls instead of the page: the thinking, a long draft or question, a file, the settings. */
function scrollsItself(target: EventTarget | null, direction: Direction): boolean {
  for (let box = target instanceof Element ? target : null; box && box !== document.documentElement; box = box.parentElement) {
    const { scrollTop, scrollHeight, clientHeight } = box;
    if (scrollHeight <= clientHeight + 1) continue;
    const { overflowY, overscrollBehaviorY } = getComputedStyle(box);
    const canMove = direction === "up" ? scrollTop > 0 : scrollTop < scrollHeight - clientHeight - 1;
    if ((overflowY === "auto" || overflowY === "scroll") && (canMove || overscrollBehaviorY !== "auto")) return true;
  }
  return false;
}
