import { button, el } from "../dom/element.ts";
import { closeOnOutsideClick } from "../dom/dialog.ts";
import type { Words } from "../words/index.ts";

/** The list of keyboard shortcuts. */
export function shortcutsDialog(words: Words): HTMLDialogElement {
  const rows = words.shortcutList.map(([key, meaning]) =>
    el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, key!)), el("td", {}, meaning)),
  );
  const dialog = el(
    "dialog",
    { className: "settings", "aria-labelledby": "shortcuts-title" },
    el(
      "div",
      { className: "title" },
      el("h2", { id: "shortcuts-title" }, words.shortcuts),
      button("close", words.close, () => dialog.close(), true),
    ),
    el("table", { className: "shortcuts" }, el("tbody", {}, ...rows)),
  );
  closeOnOutsideClick(dialog);
  return dialog;
}
