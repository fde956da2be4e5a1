import { el } from "../dom/element.ts";
import type { SamplingByMode } from "../turn/turn.ts";
import type { Sampling } from "../turn/wire.ts";
import type { Words } from "../words/index.ts";

/** The limits of the chat API's contract. */
const limits: Record<keyof Sampling, { readonly min: number; readonly max?: number; readonly step: number | "any" }> = {
  temperature: { min: 0, max: 2, step: "any" },
  topP: { min: 0.01, max: 1, step: "any" },
  topK: { min: 1, step: 1 },
  minP: { min: 0, max: 1, step: "any" },
  maxTokens: { min: 1, step: 1 },
  thinkingTokens: { min: 0, step: 1 },
  seed: { min: 0, step: 1 },
};

/** A table of the sampling for each mode; an empty field is the default. */
export function samplingForm(words: Words, change: (sampling: SamplingByMode) => void): HTMLElement {
  const chosen: { [Mode in keyof SamplingByMode]: Record<string, number> } = { thinking: {}, direct: {} };
  const field = (name: keyof Sampling, mode: keyof SamplingByMode): HTMLElement => {
    const { min, max, step } = limits[name];
    const input = el("input", {
      type: "number",
      inputMode: step === 1 ? "numeric" : "decimal",
      min: String(min),
      max: max === undefined ? "" : String(max),
      step: String(step),
      placeholder: words.samplingDefault,
      ariaLabel: `${words.sampling[name]}, ${words.samplingModes[mode]}`,
    });
    input.addEventListener("input", () => {
      // An impossible value isn't sent; the browser marks it.
      if (input.value === "" || !input.validity.valid) delete chosen[mode][name];
      else chosen[mode][name] = input.valueAsNumber;
      change({ thinking: { ...chosen.thinking }, direct: { ...chosen.direct } });
    });
    return el("td", {}, input);
  };
  const names = Object.keys(limits) as (keyof Sampling)[];
  return el(
    "details",
    { className: "sampling" },
    el("summary", {}, words.samplingTitle),
    el(
      "table",
      {},
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("td"),
          el("th", { scope: "col" }, words.samplingModes.thinking),
          el("th", { scope: "col" }, words.samplingModes.direct),
        ),
      ),
      el(
        "tbody",
        {},
        ...names.map((name) =>
          el(
            "tr",
            {},
            el("th", { scope: "row" }, words.sampling[name]),
            field(name, "thinking"),
            name === "thinkingTokens" ? el("td") : field(name, "direct"),
          ),
        ),
      ),
    ),
  );
}
