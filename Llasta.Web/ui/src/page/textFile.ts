/** Decodes a text file: UTF-8, UTF-16 with a byte order mark, otherwise Windows-1252. Returns null for a file that isn't text. */
export function decodeText(bytes: Uint8Array): string | null {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decode(bytes, "utf-16le");
  if (first === 0xfe && second === 0xff) return decode(bytes, "utf-16be");
  if (bytes.includes(0)) return null;
  return decode(bytes, "utf-8") ?? decode(bytes, "windows-1252");
}

function decode(bytes: Uint8Array, encoding: string): string | null {
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    // Control characters other than tabs, line ends and escapes are no text in any encoding.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? null : withLineFeeds(text);
  } catch {
    return null;
  }
}

/** A text with the line ends that a text box has. */
export const withLineFeeds = (text: string): string => text.replace(/\r\n?/g, "\n");

/** Whether a pasted text only names the files that are pasted with it: file managers copy a file's name or path as its text. */
export const isNamesOf = (text: string, files: readonly { readonly name: string }[]): boolean =>
  text
    .trimEnd()
    .split("\n")
    .every((line) => files.some(({ name }) => line.trim().endsWith(name) || unescaped(line.trim()).endsWith(name)));

function unescaped(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}

/** A pasted text of more lines or characters than this becomes a file: about a screen. */
const longPaste = { lines: 50, characters: 4000 };

export const isLongPaste = (text: string): boolean =>
  text.length > longPaste.characters || text.split("\n", longPaste.lines + 1).length > longPaste.lines;
