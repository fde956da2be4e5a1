import type TemmlModule from "temml";

type Temml = typeof TemmlModule;

let temml: Temml | undefined;
let loading: Promise<void> | undefined;
const rendered = new Map<string, Element>();

/** Replaces TeX by MathML in all formulas of a piece of the page, now or as soon as Temml is loaded. */
export function renderMath(root: ParentNode): void {
  const formulas = root.querySelectorAll<HTMLElement>("span.math:not(.rendered)");
  if (formulas.length === 0) return;
  if (temml) {
    for (const formula of formulas) render(temml, formula);
    return;
  }
  loading ??= import("temml").then(
    (module) => {
      temml = module.default;
    },
    () => {
      // The next formula tries again; until then they are read in their source.
      loading = undefined;
    },
  );
  void loading.then(() => {
    for (const formula of formulas) if (temml) render(temml, formula);
  });
}

/** A formula in a paragraph that still grows is drawn again and again: Temml parses it once. */
function render(temml: Temml, formula: HTMLElement): void {
  const tex = formula.textContent;
  const displayMode = formula.classList.contains("display");
  const key = `${displayMode}${tex}`;
  let math = rendered.get(key);
  if (!math) {
    const place = document.createElement("span");
    try {
      // Nothing in a formula may link, load or style.
      temml.render(tex, place, { displayMode, throwOnError: true, trust: false, maxExpand: 200 });
    } catch {
      // A wrong one is read in its source.
      return;
    }
    math = place.firstElementChild ?? place;
    if (rendered.size > 500) rendered.clear();
    rendered.set(key, math);
  }
  formula.classList.add("rendered");
  formula.replaceChildren(math.cloneNode(true));
}
