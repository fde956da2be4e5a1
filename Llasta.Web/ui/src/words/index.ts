import { en, type Words } from "./en.ts";

export type { Words };

/** English is part of the page; other languages are loaded when a reader prefers them. */
const languages: Readonly<Record<string, () => Promise<Words>>> = {
  en: async () => en,
  fr: async () => (await import("./fr.ts")).fr,
};

/** The texts in the first of the reader's preferred languages that the page supports, otherwise in English. */
export async function wordsFor(preferred: readonly string[]): Promise<Words> {
  const language = preferred.map((tag) => tag.split("-")[0]!.toLowerCase()).find((language) => Object.hasOwn(languages, language));
  // The page works without the file of a language.
  return language === undefined ? en : languages[language]!().catch(() => en);
}
