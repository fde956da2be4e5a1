import { drawingNow, loadDrawing } from "./drawing.ts";
import type { Words } from "../words/index.ts";

/** Shows a question in an element: as it was typed, except that its code is shown as code. */
export function showQuestion(element: HTMLElement, question: string, words: Words): void {
  element.textContent = question;
  if (!/`|~~~/.test(question)) return;
  const drawing = drawingNow();
  if (drawing) element.replaceChildren(...drawing.questionNodes(question, words));
  else
    loadDrawing().then(
      ({ questionNodes }) => {
        // The question may have been edited in the meantime.
        if (element.textContent === question) element.replaceChildren(...questionNodes(question, words));
      },
      // The question stays as it was typed.
      () => undefined,
    );
}
