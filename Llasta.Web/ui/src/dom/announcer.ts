import { el } from "./element.ts";

const region = el("div", { className: "visually-hidden", role: "status", ariaLive: "polite" });

/** Says something to a screen reader, when it has finished what it's saying. */
export function announce(text: string): void {
  if (!region.isConnected) document.body.append(region);
  region.textContent = "";
  // The same words twice in a row are said twice only when the region was empty in between.
  requestAnimationFrame(() => (region.textContent = text));
}

export const announcer = region;
