import type { Words } from "../words/index.ts";
import { announce } from "./announcer.ts";
import { button, icon } from "./element.ts";

/** A text, and the same as HTML for programs that take rich text. */
export interface Copied {
  readonly text: string;
  readonly html?: string;
}

async function copy(copied: Copied): Promise<boolean> {
  try {
    if (copied.html !== undefined && "ClipboardItem" in window) await navigator.clipboard.write([itemOf(copied.text, copied.html)]);
    else await navigator.clipboard.writeText(copied.text);
    return true;
  } catch {
    return copyByCommand(copied);
  }
}

const itemOf = (text: string, html: string): ClipboardItem =>
  new ClipboardItem({ "text/plain": new Blob([text], { type: "text/plain" }), "text/html": new Blob([html], { type: "text/html" }) });

/** Over plain http from any host but localhost, browsers have no clipboard API. */
function copyByCommand({ text, html }: Copied): boolean {
  const focused = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "visually-hidden";
  box.readOnly = true;
  document.body.append(box);
  box.select();
  const fill = (event: ClipboardEvent) => {
    if (html === undefined) return;
    event.preventDefault();
    event.clipboardData?.setData("text/plain", text);
    event.clipboardData?.setData("text/html", html);
  };
  document.addEventListener("copy", fill);
  try {
    return document.execCommand("copy");
  } finally {
    document.removeEventListener("copy", fill);
    box.remove();
    if (focused instanceof HTMLElement) focused.focus();
  }
}

export function copyButton(content: () => string | Copied, label: string, words: Words): HTMLButtonElement {
  const element = button(
    "copy",
    label,
    async () => {
      const copied = content();
      const done = await copy(typeof copied === "string" ? { text: copied } : copied);
      announce(done ? words.copied : words.copyFailed);
      element.replaceChildren(icon(done ? "check" : "close"));
      setTimeout(() => element.replaceChildren(icon("copy")), 1500);
    },
    true,
  );
  return element;
}
