import { el } from "./element.ts";

const region = el("div", { className: "visually-hidden", role: "status", ariaLive: "polite" });

/** Announces a text to screen readers, after their current speech. */
export function announce(text: string): void {
  if (!region.isConnected) document.body.append(region);
  region.textContent = "";
  // The same text is announced again only if the region was empty in between.
  requestAnimationFrame(() => (region.textContent = text));
}

export const announcer = region;
