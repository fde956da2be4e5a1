import type { MarkedExtension, Tokens } from "marked";
import { escapeHtml } from "./escape.ts";

/*
 * TeX between `$…$` and `\(…\)` in a line, `$$…$$` and `\[…\]` displayed. None runs across a blank line,
 * so an opening delimiter that is never closed costs its own paragraph at most. As with pandoc, a single
 * dollar opens only before a non-space and closes only after one and not before a digit: "$5 and $6" is money.
 */
const inlineRules: readonly (readonly [rule: RegExp, display: boolean])[] = [
  [/^\$\$((?:\\[^]|(?!\n[ \t]*\n)[^\\$])+)\$\$/, true],
  [/^\\\[((?:(?!\n[ \t]*\n)[^])+?)\\\]/, true],
  [/^\\\(((?:(?!\n[ \t]*\n)[^])+?)\\\)/, false],
  [/^\$(?![\s$])((?:\\[^\n]|[^\\$\n])*?(?:\\[^\n]|[^\\$\s]))\$(?!\d)/, false],
];

const blockRule = /^ {0,3}(?:\$\$((?:(?!\n[ \t]*\n|\$\$)[^])+)\$\$|\\\[((?:(?!\n[ \t]*\n|\\\])[^])+)\\\])[ \t]*(?:\n|$)/;

interface MathToken extends Tokens.Generic {
  readonly tex: string;
  readonly display: boolean;
}

const render = (token: Tokens.Generic): string => {
  const { tex, display } = token as MathToken;
  return `<span class="math${display ? " display" : ""}">${escapeHtml(tex)}</span>`;
};

export const mathExtensions: MarkedExtension = {
  extensions: [
    {
      name: "math",
      level: "inline",
      start: (src) => {
        const index = src.search(/\$|\\[([]/);
        return index < 0 ? undefined : index;
      },
      tokenizer(src) {
        for (const [rule, display] of inlineRules) {
          const match = rule.exec(src);
          if (match?.[1]?.trim()) return { type: "math", raw: match[0], tex: match[1].trim(), display } satisfies MathToken;
        }
        return undefined;
      },
      renderer: render,
    },
    {
      name: "mathBlock",
      level: "block",
      // Only within this paragraph: the search for a place to interrupt it must not cost the whole document.
      start: (src) => {
        const blank = src.search(/\n[ \t]*\n/);
        const index = (blank < 0 ? src : src.slice(0, blank)).search(/(?<=\n) {0,3}(?:\$\$|\\\[)/);
        return index < 0 ? undefined : index;
      },
      tokenizer(src) {
        const match = blockRule.exec(src);
        const tex = (match?.[1] ?? match?.[2])?.trim();
        return match && tex ? ({ type: "mathBlock", raw: match[0], tex, display: true } satisfies MathToken) : undefined;
      },
      renderer: (token) => `<p>${render(token)}</p>\n`,
    },
  ],
};
