import { expect, test } from "vitest";
import { decodeText, isLongPaste, isNamesOf } from "../../src/page/textFile.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);
const utf8 = (text: string) => new TextEncoder().encode(text);

test.each([
  ["UTF-8", utf8("héllo 👋 汉字\n"), "héllo 👋 汉字\n"],
  ["UTF-8 with a byte order mark", Uint8Array.from([0xef, 0xbb, 0xbf, ...utf8("a")]), "a"],
  ["UTF-16, little endian", bytes(0xff, 0xfe, 0x61, 0, 0xe9, 0), "aé"],
  ["UTF-16, big endian", bytes(0xfe, 0xff, 0, 0x61, 0, 0xe9), "aé"],
  ["Windows-1252", bytes(0x63, 0x61, 0x66, 0xe9), "café"],
  ["CRLF line ends", utf8("a\r\nb\rc"), "a\nb\nc"],
  ["tabs and escapes", utf8("\ta\u001b[0m\f"), "\ta\u001b[0m\f"],
  ["nothing", bytes(), ""],
])("%s is text", (_, file, text) => {
  expect(decodeText(file)).toBe(text);
});

test.each([
  ["an image", bytes(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d)],
  ["an archive", bytes(0x50, 0x4b, 0x03, 0x04, 0x14, 0, 0x08)],
  ["a file with control characters", bytes(0x61, 0x01, 0x62)],
])("%s isn't", (_, file) => {
  expect(decodeText(file)).toBeNull();
});

test("a paste of more than a screen is long", () => {
  expect(isLongPaste("line\n".repeat(51))).toBe(true);
  expect(isLongPaste("x".repeat(5000))).toBe(true);
  expect(isLongPaste("line\n".repeat(20))).toBe(false);
});

test.each([
  ["a name", "notes.md", true],
  ["names", "a b.txt\nnotes.md", true],
  ["paths", "/home/me/notes.md\n/home/me/a b.txt", true],
  ["addresses of files", "file:///home/me/a%20b.txt\r\nfile:///home/me/c,%20d.md\r\n", true],
  ["other text", "See notes.md.", false],
  ["a name and other text", "notes.md\nis here", false],
])("%s pasted with files", (_, text, expected) =>
  expect(isNamesOf(text, [{ name: "notes.md" }, { name: "a b.txt" }, { name: "c, d.md" }])).toBe(expected),
);
