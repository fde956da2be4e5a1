/** A text file that is sent with a message. */
export interface Attachment {
  readonly name: string;
  readonly text: string;
}

/** A message as its writer composes it. */
export interface Draft {
  readonly text: string;
  readonly attachments: readonly Attachment[];
}

export const draftOf = (text: string, attachments: readonly Attachment[] = []): Draft => ({ text, attachments });

export const isBlank = ({ text, attachments }: Draft): boolean => text.trim() === "" && attachments.length === 0;

export const isSameDraft = (a: Draft, b: Draft): boolean => textOf(a) === textOf(b);

/** A message as the model reads it: the text, and each file in a fence under its name. */
export const textOf = ({ text, attachments }: Draft): string =>
  [...attachments.map((attachment) => fenced(attachment)), text].filter((part) => part !== "").join("\n\n");

/** A fence that is longer than any run of backticks in the file, so that the file can't close it. */
export function fenced({ name, text }: Attachment): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const language = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  return `${name}:\n\n${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}`;
}
