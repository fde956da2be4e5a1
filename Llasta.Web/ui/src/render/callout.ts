import { el, iconOf } from "../dom/element.ts";
import type { Words } from "../words/index.ts";

const paths = {
  note: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 7.4v3.6M8 5v.1",
  tip: "M8 1.8a4.2 4.2 0 0 0-2.4 7.6v1.9h4.8V9.4A4.2 4.2 0 0 0 8 1.8zM6.2 14h3.6",
  important: "M2 2.5h12v8.6H8.6L5.5 14v-2.9H2zM8 4.8v2.4M8 9v.1",
  warning: "M8 2 1.6 13.6h12.8zM8 6.6v3.2M8 11.6v.1",
  caution: "M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4zM8 4.9v3.6M8 11v.1",
} as const;

type CalloutKind = keyof typeof paths;

/** Adds the title and the icon to a callout (`> [!WARNING]`); in forced colours, colour alone would say nothing. */
export function titleCallout(callout: HTMLElement, words: Words): void {
  const kind = (Object.keys(paths) as CalloutKind[]).find((name) => callout.classList.contains(`callout-${name}`)) ?? "note";
  const title = words.callouts[kind];
  callout.role = "note";
  callout.ariaLabel = title;
  // With its own `dir`, the title doesn't decide the callout's direction: the answer's words do.
  callout.prepend(el("div", { className: "title" }, iconOf(paths[kind]), el("span", { lang: words.language, dir: "auto" }, title)));
}
