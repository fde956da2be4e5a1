import type { Words } from "../words/index.ts";
import { announce } from "./announcer.ts";
import { button, icon } from "./element.ts";

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Over plain http from any host but localhost, browsers have no clipboard API. */
function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "visually-hidden";
  box.readOnly = true;
  document.body.append(box);
  box.select();
  try {
    return document.execCommand("copy");
  } finally {
    box.remove();
    if (focused instanceof HTMLElement) focused.focus();
  }
}

export function copyButton(text: () => string, label: string, words: Words): HTMLButtonElement {
  const element = button(
    "copy",
    label,
    async () => {
      const done = await copy(text());
      announce(done ? words.copied : words.copyFailed);
      element.replaceChildren(icon(done ? "check" : "close"));
      setTimeout(() => element.replaceChildren(icon("copy")), 1500);
    },
    true,
  );
  return element;
}
