import "../style/formula.css";

export { default } from "temml";
