import { el } from "../dom/element.ts";
import { questionPieces } from "../markdown/question.ts";
import type { Words } from "../words/index.ts";
import { CodeBlock } from "./codeBlock.ts";

/** A question as its writer typed it, except that its code is shown as code. */
export const questionNodes = (text: string, words: Words): Node[] =>
  questionPieces(text).map((piece) => {
    switch (piece.kind) {
      case "text":
        return document.createTextNode(piece.text);
      case "inline":
        return el("code", { dir: "ltr" }, piece.text);
      case "block": {
        const block = new CodeBlock(piece.language, piece.text, words);
        block.finish();
        return block.element;
      }
    }
  });
