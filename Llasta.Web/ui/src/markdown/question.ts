import { languageOf } from "./text.ts";

/** A piece of a question: text as it was typed, or the code in it. */
export type QuestionPiece =
  | { readonly kind: "text" | "inline"; readonly text: string }
  | { readonly kind: "block"; readonly language: string; readonly text: string };

/**
 * Splits a question into text and code. Only fences and backticks are markup; all other text is shown as it was
 * typed. An unclosed fence extends to the end.
 */
export function questionPieces(question: string): QuestionPiece[] {
  const pieces: QuestionPiece[] = [];
  let text: string[] = [];
  const lines = question.split("\n");
  const addText = () => {
    // The line ends around a block are the block's own.
    const joined = text.join("\n");
    if (joined) pieces.push(...inlinePieces(joined));
    text = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$/.exec(lines[i]!);
    if (!fence) {
      text.push(lines[i]!);
      continue;
    }
    addText();
    const code: string[] = [];
    const [, mark, info] = fence as unknown as [string, string, string];
    for (i++; i < lines.length && !isClosing(lines[i]!, mark); i++) code.push(lines[i]!);
    pieces.push({ kind: "block", language: languageOf(info.trim()), text: code.join("\n") });
  }
  addText();
  return pieces;
}

function isClosing(line: string, mark: string): boolean {
  const text = line.trim();
  return text.length >= mark.length && text === mark[0]!.repeat(text.length);
}

/** Code between backticks in one line; the same number of them closes it. */
function inlinePieces(text: string): QuestionPiece[] {
  const pieces: QuestionPiece[] = [];
  let begin = 0;
  for (const { 0: found, 2: code, index } of text.matchAll(/(?<!`)(`{1,8})(?!`)([^\n]{1,4000}?)(?<!`)\1(?!`)/g)) {
    if (index > begin) pieces.push({ kind: "text", text: text.slice(begin, index) });
    pieces.push({ kind: "inline", text: /^ .*\S.* $/.test(code!) ? code!.slice(1, -1) : code! });
    begin = index + found.length;
  }
  if (begin < text.length) pieces.push({ kind: "text", text: text.slice(begin) });
  return pieces;
}
