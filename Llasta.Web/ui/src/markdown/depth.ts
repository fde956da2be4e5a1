/** So deep may lists, quotations and footnotes stand within one another; what is nested deeper is shown as text. */
export const deepestBlock = 20;

/**
 * A character that no text may hold (a Unicode noncharacter). It stands before the first mark of a line that would
 * open too many blocks, and is taken away again from what is shown.
 */
const stopper = "\uFDD0";

const tooManyMarks = new RegExp(
  `^((?:[ \\t]*(?:[-+*]|\\d{1,9}[.)]|>)(?:[ \\t]|(?<=>))){${deepestBlock}})(?=[ \\t]*(?:[-+*]|\\d{1,9}[.)]|>)(?:[ \\t]|(?<=>)|$))`,
  "gm",
);

/** A thematic break: the same mark over and over, however often. */
const isBreak = (line: string): boolean => /^[ \t]*([-*])(?:[ \t]*\1)*[ \t]*$/.test(line);

/**
 * Lets no line open more than {@link deepestBlock} blocks ("- - - - …", "> > 1. > …"), before it is parsed: the
 * parser's work for one line grows with the square of its marks, and its recursion with their number.
 */
export const limitDepth = (source: string): string =>
  source.replace(tooManyMarks, (marks, _, offset: number) => {
    const end = source.indexOf("\n", offset);
    return isBreak(source.slice(offset, end < 0 ? source.length : end)) ? marks : marks + stopper;
  });

/** The text without what {@link limitDepth} put in. */
export const withoutStoppers = (text: string): string => (text.includes(stopper) ? text.replaceAll(stopper, "") : text);

/** The text as it may be parsed: the character isn't in it. */
export const acceptable = (text: string): string => (text.includes(stopper) ? text.replaceAll(stopper, "\uFFFD") : text);
