/*
 * Whether the view follows the end of the conversation. It stops when the reader scrolls away from the end, and
 * starts again when the reader returns to the end or asks for it. Growing content alone changes nothing, however
 * far the end moves: while the page doesn't follow, it never scrolls, so any scrolling is the reader's.
 */

export type Direction = "up" | "down";

export type FollowEvent =
  /** A wheel, a key or a finger is about to scroll the view. */
  | { readonly kind: "moving"; readonly direction: Direction }
  /** The view was scrolled, and not by a change of the content's height. */
  | { readonly kind: "moved"; readonly direction: Direction; readonly toEnd: number }
  /** Something in view was opened, so the content grew. */
  | { readonly kind: "unfolded"; readonly toEnd: number }
  /** The reader selects text: it must not move away under the pointer. */
  | { readonly kind: "selecting" }
  /** The reader asked for the end, or sent a message. */
  | { readonly kind: "to-end" };

/** The distance from the end that counts as the end, pixels. */
const reach = 24;

export function follow(following: boolean, event: FollowEvent): boolean {
  switch (event.kind) {
    case "to-end":
      return true;
    case "selecting":
      return false;
    case "moving":
      return event.direction === "up" ? false : following;
    case "unfolded":
      return following && event.toEnd <= reach;
    case "moved":
      // A view that is at the end moved up only because there is less to scroll: the window grew, or the browser's bounce is over.
      return event.direction === "up" ? following && event.toEnd <= 1 : following || event.toEnd <= reach;
  }
}

/** What a key does to the view, if it scrolls. The End key asks for the end, wherever that is by the time the view arrives. */
export function eventOfKey(key: string, shift: boolean): FollowEvent | undefined {
  if (key === "End") return { kind: "to-end" };
  const direction = directionOfKey(key, shift);
  return direction && { kind: "moving", direction };
}

function directionOfKey(key: string, shift: boolean): Direction | undefined {
  if (key === "PageUp" || key === "ArrowUp" || key === "Home" || (key === " " && shift)) return "up";
  return key === "PageDown" || key === "ArrowDown" || key === " " ? "down" : undefined;
}
