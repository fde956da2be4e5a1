import { button, el } from "../dom/element.ts";
import { isComposing } from "./keyboard.ts";
import type { Words } from "../words/index.ts";

/** The form in which a reader says what should be different about an answer. */
export function wishForm(words: Words, regenerate: (wish: string) => void, cancel: () => void, isBusy: () => boolean): HTMLFormElement {
  const box = el("input", { type: "text", ariaLabel: words.wish, placeholder: words.wish, dir: "auto", enterKeyHint: "send" });
  const cancelButton = button(undefined, words.cancel, cancel);
  cancelButton.name = "cancel";
  const form = el(
    "form",
    { className: "wish-form" },
    ...words.wishes.map(({ label, text }) => button(undefined, label, () => regenerate(text))),
    box,
    el("button", { type: "submit" }, words.regenerate),
    cancelButton,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wish = box.value.trim();
    if (wish) regenerate(wish);
    else box.focus();
  });
  form.addEventListener("keydown", (event) => {
    // While a turn runs, Escape stops it, as everywhere.
    if (event.key !== "Escape" || isComposing(event) || isBusy()) return;
    event.stopPropagation();
    cancel();
  });
  return form;
}
