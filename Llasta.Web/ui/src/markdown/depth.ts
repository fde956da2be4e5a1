/** The maximum nesting of lists, quotations and footnotes; deeper markup is shown as text. */
export const deepestBlock = 20;

/**
 * A Unicode noncharacter, which no text contains. It is inserted before the first marker of a line that exceeds the
 * maximum nesting, and removed again from the output.
 */
const stopper = "\uFDD0";

const tooManyMarks = new RegExp(
  `^((?:[ \\t]*(?:[-+*]|\\d{1,9}[.)]|>)(?:[ \\t]|(?<=>))){${deepestBlock}})(?=[ \\t]*(?:[-+*]|\\d{1,9}[.)]|>)(?:[ \\t]|(?<=>)|$))`,
  "gm",
);

/** A thematic break: one character repeated, in any number. */
const isBreak = (line: string): boolean => /^[ \t]*([-*])(?:[ \t]*\1)*[ \t]*$/.test(line);

/**
 * Limits how many blocks one line can open ("- - - - …", "> > 1. > …") before the text is parsed: the parser's time
 * for a line grows with the square of the number of its markers, and its recursion with their number.
 */
export const limitDepth = (source: string): string =>
  source.replace(tooManyMarks, (marks, _, offset: number) => {
    const end = source.indexOf("\n", offset);
    return isBreak(source.slice(offset, end < 0 ? source.length : end)) ? marks : marks + stopper;
  });

/** Removes what {@link limitDepth} inserted. */
export const withoutStoppers = (text: string): string => (text.includes(stopper) ? text.replaceAll(stopper, "") : text);

/** Replaces the noncharacter in a text, so that only {@link limitDepth} inserts it. */
export const acceptable = (text: string): string => (text.includes(stopper) ? text.replaceAll(stopper, "\uFFFD") : text);
