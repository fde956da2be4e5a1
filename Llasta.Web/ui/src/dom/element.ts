type Child = Node | string | undefined | false;

/** Creates an element. Names with a dash are attributes, all others are properties of the element. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<Omit<HTMLElementTagNameMap[Name], "style">> & Record<`${string}-${string}`, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-")) element.setAttribute(key, String(value));
    else (element as unknown as Record<string, unknown>)[key] = value;
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

/*
 * A browser that translates the page puts elements of its own in the place of text nodes. So a text node is never kept to be
 * changed later, and what is shown is never compared with what was written.
 */
const shown = new WeakMap<Element, string>();

/** Shows a text in an element, unless it was shown there last. */
export function showText(element: Element, text: string): void {
  if (shown.get(element) === text) return;
  shown.set(element, text);
  element.textContent = text;
}

/** Adds to the text at an element's end. */
export function appendText(element: Element, text: string): void {
  const { lastChild } = element;
  if (lastChild instanceof Text) lastChild.appendData(text);
  else element.append(text);
}

const icons = {
  send: "M8 13V3M3.5 7.5 8 3l4.5 4.5",
  stop: "M4.5 4.5h7v7h-7z",
  reset: "M3 4.5h10M6 4.5v-2h4v2M4.4 4.5l.6 9h6l.6-9M6.7 7v4M9.3 7v4",
  regenerate: "M3 8a5 5 0 1 0 1.6-3.7M3 2.5V5h2.5",
  settings: "M2 4.5h7m3 0h2M2 11.5h2m3 0h7M9 2.8v3.4h3V2.8zM4 9.8v3.4h3V9.8z",
  copy: "M5.5 5.5v-3h8v8h-3m-8-5h8v8h-8z",
  check: "M3 8.5 6.5 12 13 4.5",
  edit: "m10.5 3 2.5 2.5L6 12.5l-3 .5.5-3z",
  earlier: "M10 3 5 8l5 5",
  later: "m6 3 5 5-5 5",
  leaveOut: "M2 8s2.2-4 6-4 6 4 6 4-2.2 4-6 4-6-4-6-4zM3 13 13 3",
  takeIn: "M2 8s2.2-4 6-4 6 4 6 4-2.2 4-6 4-6-4-6-4zM8 6.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4z",
  attach: "M12.5 7.5 8 12a2.8 2.8 0 0 1-4-4l5-5a1.9 1.9 0 0 1 2.7 2.7l-4.9 4.9a1 1 0 0 1-1.4-1.4l4.3-4.3",
  wish: "M2.5 3.5h11v7h-5L5.5 13v-2.5h-3z",
  close: "m4 4 8 8m0-8-8 8",
  down: "M8 3v10M3.5 8.5 8 13l4.5-4.5",
  think: "M8 2a4 4 0 0 0-2.3 7.3V11h4.6V9.3A4 4 0 0 0 8 2zM6.2 13.5h3.6",
} as const;

export type IconName = keyof typeof icons;

export const icon = (name: IconName): SVGSVGElement => iconOf(icons[name]);

/** @param path in a square of 16. */
export function iconOf(path: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** A button with an icon and a label; with `bare`, the label is only its accessible name. */
export function button(name: IconName | undefined, label: string, onClick: (event: MouseEvent) => void, bare = false): HTMLButtonElement {
  const element = el("button", { type: "button", className: bare ? "bare" : "", onclick: onClick }, name && icon(name), !bare && label);
  if (bare) {
    element.ariaLabel = label;
    element.title = label;
  }
  return element;
}
