import { en, type Words } from "./en.ts";
import { fr } from "./fr.ts";

export type { Words };

const languages: readonly Words[] = [en, fr];

/** The first of the reader's preferred languages that the page supports, otherwise English. */
export const wordsFor = (preferred: readonly string[]): Words =>
  preferred
    .map((tag) => languages.find(({ language }) => language === tag.split("-")[0]!.toLowerCase()))
    .find((words) => words !== undefined) ?? en;
