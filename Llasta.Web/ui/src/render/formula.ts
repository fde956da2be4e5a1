import type TemmlModule from "temml";
import { SizeObserver } from "../dom/sizeObserver.ts";
import { Lazy } from "./lazy.ts";
import { contentResized, reachableWhileWide } from "./scrollable.ts";

type Temml = typeof TemmlModule;

const lazyTemml = new Lazy(() => import("./temml.ts"));
const rendered = new Map<string, Element>();

/** Not an attribute: the conversation's elements have none that holds a text of the model. */
const sources = new WeakMap<Element, string>();

/** The TeX of a rendered formula, with its marks. */
export const sourceOf = (formula: Element): string | undefined => sources.get(formula);

/** Replaces TeX with MathML in all formulas below `root`, now or, in the whole page, as soon as Temml is loaded. */
export function renderMath(root: ParentNode): void {
  const formulas = root.querySelectorAll<HTMLElement>("span.math:not(.rendered, .pending)");
  if (formulas.length === 0) return;
  const temml = lazyTemml.part?.default;
  if (temml) for (const formula of formulas) render(temml, formula);
  // A later formula tries again; until then the formulas show their source.
  else
    lazyTemml.load().then(
      () => renderMath(document),
      () => undefined,
    );
}

/** A longer formula shows its source: parsing it would block the page. */
const longestFormula = 20_000;

/** Gives the style sheet the width of a displayed formula, in ems: on paper the formula is scaled to fit. */
const widths = new SizeObserver(({ target }) => {
  if (!(target instanceof MathMLElement)) return;
  // The element itself is as wide as the column.
  const content = document.createRange();
  content.selectNodeContents(target);
  const ems = content.getBoundingClientRect().width / Number.parseFloat(getComputedStyle(target).fontSize);
  target.style.setProperty("--ems", ems.toFixed(1));
  if (target.parentElement) contentResized(target.parentElement);
});

/** A formula in a growing paragraph is drawn again and again, but parsed once. */
function render(temml: Temml, formula: HTMLElement): void {
  const tex = formula.textContent;
  if (tex.length > longestFormula) return;
  const displayMode = formula.classList.contains("display");
  const key = `${displayMode}${tex}`;
  let math = rendered.get(key);
  if (!math) {
    const place = document.createElement("span");
    try {
      // A formula may not link, load or style anything.
      temml.render(tex, place, { displayMode, throwOnError: true, trust: false, maxExpand: 200 });
    } catch {
      // An invalid formula shows its source.
      return;
    }
    math = place.firstElementChild ?? place;
    if (rendered.size > 500) rendered.clear();
    rendered.set(key, math);
  }
  formula.classList.add("rendered");
  const mark = displayMode ? "$$" : "$";
  sources.set(formula, `${mark}${tex.trim()}${mark}`);
  const drawn = math.cloneNode(true) as Element;
  formula.replaceChildren(drawn);
  if (!displayMode) return;
  reachableWhileWide(formula);
  widths.observe(drawn);
}
