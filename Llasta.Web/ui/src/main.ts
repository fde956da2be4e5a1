import "./style/page.css";
import "./style/media.css";
import { Page } from "./page/page.ts";
import { storedTheme, useTheme } from "./page/theme.ts";
import { wordsFor } from "./words/index.ts";

const words = await wordsFor(navigator.languages);
document.documentElement.lang = words.language;
useTheme(storedTheme());
new Page(words);
