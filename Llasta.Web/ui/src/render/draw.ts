/* One module to load: it draws an answer's Markdown and a question's code, and contains the libraries for both. */
export { MarkdownView } from "./markdownView.ts";
export { questionNodes } from "./questionNodes.ts";
