/* What draws an answer's Markdown and a question's code, with the libraries that this needs: one piece to load. */
export { MarkdownView } from "./markdownView.ts";
export { questionNodes } from "./questionNodes.ts";
