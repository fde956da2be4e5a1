import { GrowingMarkdown, type Block } from "../markdown/blocks.ts";
import type { Words } from "../words/index.ts";
import { CodeBlock } from "./codeBlock.ts";
import { el } from "../dom/element.ts";
import { renderMath } from "./formula.ts";
import { sanitized } from "./sanitize.ts";

/** One block in the page. */
interface BlockView {
  readonly element: HTMLElement;
  block: Block;
  /** Shows a changed block. Returns false if it needs a new view. */
  update(block: Block): boolean;
  /** The block won't change again. */
  finish(): void;
}

/**
 * The number of blocks that share one box, which isn't laid out while it is off screen. With one box for each block, or
 * with none at all, each frame would cost more the longer the answer is.
 */
const blocksPerChunk = 16;

/** Rendered Markdown that grows at its end; only changed blocks change the page. */
export class MarkdownView {
  readonly element = el("div", { className: "prose" });
  readonly #words: Words;
  #source = "";
  #markdown = new GrowingMarkdown();
  #views: BlockView[] = [];
  /** For each block, the depths of the headings above it, as the model numbered them. */
  #outlines: (readonly number[])[] = [];
  #finished = 0;

  constructor(words: Words) {
    this.#words = words;
  }

  /** Shows a text. If it extends the old text, the cost depends only on the addition. */
  show(text: string, complete: boolean): void {
    if (!text.startsWith(this.#source)) {
      this.#source = "";
      this.#markdown = new GrowingMarkdown();
      this.#views = [];
      this.#finished = 0;
      this.element.replaceChildren();
    }
    // An answer that had ended is continued: its last blocks aren't finished any more.
    if (!complete) this.#finished = Math.min(this.#finished, this.#markdown.finishedBlocks);
    const changed = this.#markdown.append(text.slice(this.#source.length));
    this.#source = text;
    this.#render(changed);
    this.#outline(changed);
    this.#finish(complete ? this.#views.length : this.#markdown.finishedBlocks);
  }

  #render(from: number): void {
    const { blocks } = this.#markdown;
    for (let i = from; i < blocks.length; i++) {
      const block = blocks[i]!;
      const old = this.#views[i];
      if (old?.block === block) continue;
      if (old?.update(block)) {
        old.block = block;
        continue;
      }
      const view = viewOf(block, this.#words);
      this.#views[i] = view;
      if (old) old.element.replaceWith(view.element);
      else this.#chunk(i).append(view.element);
      // A late link definition changed a finished block.
      if (i < this.#finished) view.finish();
    }
    for (const { element } of this.#views.splice(blocks.length)) element.remove();
    while (this.element.childElementCount > Math.ceil(blocks.length / blocksPerChunk)) this.element.lastElementChild!.remove();
  }

  /** Models start with headings of any depth and skip levels; in the page's outline the levels are consecutive. */
  #outline(from: number): void {
    const { blocks } = this.#markdown;
    this.#outlines.length = Math.min(this.#outlines.length, blocks.length);
    for (let i = from; i < blocks.length; i++) {
      const above = this.#outlines[i - 1] ?? [];
      const depth = headingDepth(blocks[i]!);
      if (depth === undefined) {
        this.#outlines[i] = above;
        continue;
      }
      const outline = [...above.filter((higher) => higher < depth), depth];
      this.#outlines[i] = outline;
      // The page's own headings are of level 1 and 2.
      this.#views[i]!.element.setAttribute("aria-level", String(2 + outline.length));
    }
  }

  #chunk(block: number): Element {
    const index = Math.floor(block / blocksPerChunk);
    if (index === this.element.childElementCount) this.element.append(el("div", { className: "chunk" }));
    return this.element.children[index]!;
  }

  #finish(count: number): void {
    while (this.#finished < count) this.#views[this.#finished++]!.finish();
  }
}

const headingDepth = (block: Block): number | undefined => {
  const depth = block.kind === "html" ? /^<h\d class="h(\d)">/.exec(block.html)?.[1] : undefined;
  return depth === undefined ? undefined : Number(depth);
};

function viewOf(block: Block, words: Words): BlockView {
  switch (block.kind) {
    case "html":
      return htmlView(block, words);
    case "code":
      return codeView(block, words);
    case "list": {
      const list = block.ordered ? el("ol", { start: block.start }) : el("ul");
      return partsView(
        block,
        list,
        list,
        words,
        (html) => sanitized(html).querySelector("li"),
        (old, block) => block.kind === "list" && block.ordered === old.ordered && block.start === old.start,
      );
    }
    case "table": {
      const row = (html: string, section: string) => sanitized(`<table><${section}>${html}</${section}></table>`).querySelector("tr");
      const head = row(block.head, "thead");
      const body = el("tbody");
      const table = el("table", {}, el("thead", {}, head ?? undefined), body);
      if (head) renderMath(head);
      const frame = el("div", { className: "table", tabIndex: 0, role: "region", ariaLabel: words.table }, table);
      return partsView(
        block,
        frame,
        body,
        words,
        (html) => row(html, "tbody"),
        (old, block) => block.kind === "table" && block.head === old.head,
      );
    }
  }
}

function htmlView(block: Block & { kind: "html" }, words: Words): BlockView {
  const element = sanitized(block.html).firstElementChild;
  const root = element instanceof HTMLElement ? element : el("p");
  const codes = enhanced(root, words);
  return { element: root, block, update: () => false, finish: () => codes.forEach((code) => code.finish()) };
}

function codeView(block: Block & { kind: "code" }, words: Words): BlockView {
  const code = new CodeBlock(block.language, block.text, words);
  return {
    element: code.element,
    block,
    update: (next) => next.kind === "code" && next.language === code.language && code.grow(next.text),
    finish: () => code.finish(),
  };
}

function partsView<Parted extends Block & { kind: "list" | "table" }>(
  block: Parted,
  element: HTMLElement,
  parent: HTMLElement,
  words: Words,
  make: (html: string) => Element | null,
  isSameFrame: (old: Parted, next: Block) => boolean,
): BlockView {
  const parts: { html: string; element: HTMLElement; codes: CodeBlock[]; finished: boolean }[] = [];
  const show = (all: readonly string[]) => {
    all.forEach((html, i) => {
      const old = parts[i];
      if (old?.html === html) return;
      const made = make(html);
      const part = made instanceof HTMLElement ? made : el("li");
      parts[i] = { html, element: part, codes: enhanced(part, words), finished: false };
      if (old) old.element.replaceWith(part);
      else parent.append(part);
    });
    for (const { element } of parts.splice(all.length)) element.remove();
  };
  const finish = (count: number) => {
    for (let i = count - 1; i >= 0 && !parts[i]!.finished; i--) {
      parts[i]!.finished = true;
      parts[i]!.codes.forEach((code) => code.finish());
    }
  };
  show(block.parts);
  return {
    element,
    block,
    update(next) {
      if (!isSameFrame(block, next)) return false;
      show((next as Parted).parts);
      finish(parts.length - 1);
      return true;
    },
    finish: () => finish(parts.length),
  };
}

/** Replaces code inside a block by code blocks and renders its formulas. @returns the code blocks. */
function enhanced(root: Element, words: Words): CodeBlock[] {
  renderMath(root);
  return [...root.querySelectorAll("pre > code")].map((code) => {
    const block = new CodeBlock(/language-(\S+)/.exec(code.className)?.[1] ?? "", code.textContent.replace(/\n$/, ""), words);
    code.parentElement!.replaceWith(block.element);
    return block;
  });
}
