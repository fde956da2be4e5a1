const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character]!);

/** Escapes text in which Markdown's character references (`&amp;`, `&#35;`) keep their meaning. */
export const escapeKeepingReferences = (text: string): string =>
  text.replace(/&(?!(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,31});)|[<>"']/g, (character) => escapes[character]!);

/** Removes backslashes before punctuation, as in link targets and titles. */
export const unescapePunctuation = (text: string): string => text.replace(/\\([!-/:-@[-`{-~])/g, "$1");

/** CommonMark's matching of labels: without regard to case and to the kind of white space. */
export const normalLabel = (label: string): string => label.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase().toLowerCase();

/** The first word of a fence's info string. */
export const languageOf = (info: string | undefined): string => /^\S+/.exec(info ?? "")?.[0].toLowerCase() ?? "";

/** The key of a footnote's label among the labels of links. */
export const footnoteKey = (label: string): string => `^${normalLabel(label)}`;

/**
 * The index of the next unescaped `mark`, or -1.
 * @param missing marks known not to occur in the rest, so that a text full of openers is searched once.
 */
export function findUnescaped(text: string, mark: string, from: number, missing: Set<string>): number {
  if (missing.has(mark)) return -1;
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1)) if (!isEscaped(text, at)) return at;
  missing.add(mark);
  return -1;
}

/** Whether an odd number of backslashes precedes this index. */
export function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}
