import { button, el } from "../dom/element.ts";
import { fitToText } from "../dom/fitToText.ts";
import { isComposing } from "./keyboard.ts";
import type { Words } from "../words/index.ts";

/** The form in which a reader changes an answer. */
export function answerEditor(
  text: string,
  words: Words,
  save: (text: string, continues: boolean) => void,
  cancel: () => void,
  isBusy: () => boolean,
): HTMLFormElement {
  const box = el("textarea", { ariaLabel: words.editAnswer, value: text, dir: "auto" });
  const cancelButton = button(undefined, words.cancel, cancel);
  cancelButton.name = "cancel";
  const form = el(
    "form",
    { className: "answer-editor" },
    box,
    el(
      "div",
      { className: "actions" },
      el("button", { type: "submit" }, words.save),
      button(undefined, words.saveAndContinue, () => save(box.value, true)),
      cancelButton,
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(box.value, false);
  });
  box.addEventListener("input", () => fitToText(box));
  box.addEventListener("keydown", (event) => {
    // While a turn runs, Escape stops it, as everywhere.
    if (event.key !== "Escape" || isComposing(event) || isBusy()) return;
    event.stopPropagation();
    cancel();
  });
  requestAnimationFrame(() => {
    fitToText(box);
    box.focus();
    // Most edits cut the end.
    box.setSelectionRange(text.length, text.length);
  });
  return form;
}
