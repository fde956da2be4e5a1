import css from "../style/formula.css?inline";

// The style sheet is in the script's file: both are there, or neither is.
const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets.push(sheet);

export { default } from "temml";
