import { el } from "../dom/element.ts";

/** Takes files that are dropped anywhere on the page. Without it, the browser would open them in place of the page. */
export function dropZone(label: string, drop: (files: readonly File[]) => void): HTMLElement {
  const overlay = el("div", { className: "drop-zone", hidden: true, "aria-hidden": "true" }, el("p", {}, label));
  const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes("Files") ?? false;
  window.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    overlay.hidden = false;
  });
  window.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) overlay.hidden = true;
  });
  window.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    overlay.hidden = true;
    drop([...event.dataTransfer!.files]);
  });
  return overlay;
}
