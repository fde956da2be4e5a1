/*
 * Whether the view follows the end of the conversation. It stops when the reader moves away from the end, and
 * starts again when they come back to it or ask for it. Growing content alone changes nothing, however far
 * away the end has moved: the page never scrolls on its own while it doesn't follow, so a scroll then is the reader's.
 */

export type Direction = "up" | "down";

export type FollowEvent =
  /** A wheel, a key or a finger moves the view, before it has moved. */
  | { readonly kind: "moving"; readonly direction: Direction }
  /** The view has moved for another reason than a change of the content's height. */
  | { readonly kind: "moved"; readonly direction: Direction; readonly toEnd: number }
  /** Something in view was opened, and the content grew for that. */
  | { readonly kind: "unfolded"; readonly toEnd: number }
  /** The reader asked for the end, or sent a message. */
  | { readonly kind: "to-end" };

/** The end counts as reached from so many pixels on. */
const reach = 24;

export function follow(following: boolean, event: FollowEvent): boolean {
  switch (event.kind) {
    case "to-end":
      return true;
    case "moving":
      return event.direction === "up" ? false : following;
    case "unfolded":
      return following && event.toEnd <= reach;
    case "moved":
      return event.direction === "up" ? false : following || event.toEnd <= reach;
  }
}

/** Which way a key moves the view, if it does. */
export function directionOfKey(key: string, shift: boolean): Direction | undefined {
  if (key === "PageUp" || key === "ArrowUp" || key === "Home" || (key === " " && shift)) return "up";
  return key === "PageDown" || key === "ArrowDown" || key === "End" || key === " " ? "down" : undefined;
}
