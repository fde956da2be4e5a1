/**
 * Whether the view follows the end of the conversation. It stops when the reader moves away from the end, and
 * starts again when they come back to it or send a message; growing content alone changes nothing, however far
 * the end has moved away.
 */
export interface Follow {
  readonly following: boolean;
  /** When the reader last moved the view themselves, milliseconds. */
  readonly movedAt: number;
}

export type FollowEvent =
  /** A wheel, key, finger or scroll bar moves the view: down is positive. */
  | { readonly kind: "moved"; readonly direction: -1 | 0 | 1; readonly at: number }
  /** The view scrolled, for whatever reason. */
  | { readonly kind: "scrolled"; readonly toEnd: number; readonly up: boolean; readonly at: number }
  /** The reader asked for the end. */
  | { readonly kind: "to-end" };

/** The end counts as reached from this many pixels on. */
const reach = 24;

/** A movement of the reader's scrolls the view for this long, milliseconds: inertia and smooth scrolling included. */
const momentum = 800;

export const followAtStart: Follow = { following: true, movedAt: Number.NEGATIVE_INFINITY };

export function follow(state: Follow, event: FollowEvent): Follow {
  switch (event.kind) {
    case "to-end":
      return { ...state, following: true };
    case "moved":
      return { following: event.direction < 0 ? false : state.following, movedAt: event.at };
    case "scrolled": {
      if (event.at - state.movedAt > momentum) return state;
      if (event.toEnd <= reach && !event.up) return { ...state, following: true };
      return event.up ? { ...state, following: false } : state;
    }
  }
}

/** Which way a key moves the view, if it does. */
export function directionOfKey(key: string, shift: boolean): -1 | 0 | 1 {
  if (key === "PageUp" || key === "ArrowUp" || key === "Home" || (key === " " && shift)) return -1;
  return key === "PageDown" || key === "ArrowDown" || key === "End" || key === " " ? 1 : 0;
}
