import { el } from "../dom/element.ts";
import { layoutMemory } from "../dom/layoutMemory.ts";
import { type Block, GrowingMarkdown } from "../markdown/blocks.ts";
import type { Words } from "../words/index.ts";
import { type BlockView, blockView } from "./blockView.ts";
import { copySelection } from "./copySelection.ts";

/**
 * The number of blocks that share one box, which isn't laid out while it is off screen. With one box for each block, or
 * with none at all, each frame would cost more the longer the answer is.
 */
const blocksPerChunk = 16;

// A selection can begin anywhere in the page.
document.addEventListener("copy", copySelection);

/** Rendered Markdown that grows at its end; only changed blocks change the page. */
export class MarkdownView {
  readonly element = el("div", { className: "prose" });
  readonly #words: Words;
  #chunks: (HTMLElement | undefined)[] = [];
  #footnotes: HTMLElement | undefined;
  #source = "";
  #markdown = new GrowingMarkdown();
  #views: BlockView[] = [];
  /** For each block, the depths of the headings above it, as the model numbered them. */
  #outlines: (readonly number[])[] = [];
  #finished = 0;

  constructor(words: Words) {
    this.#words = words;
  }

  /** The block that grows while the answer streams. */
  get lastBlock(): HTMLElement | undefined {
    return this.#views.at(-1)?.element;
  }

  /** Shows a text. If it extends the old text, the cost depends only on the addition. */
  show(text: string, complete: boolean): void {
    if (!text.startsWith(this.#source)) {
      this.#source = "";
      this.#markdown = new GrowingMarkdown();
      this.#views = [];
      this.#chunks = [];
      this.#footnotes = undefined;
      this.#finished = 0;
      this.element.replaceChildren();
    }
    // An answer that had ended is continued: its last blocks aren't finished any more.
    if (!complete) this.#finished = Math.min(this.#finished, this.#markdown.finishedBlocks);
    const appended = this.#markdown.append(text.slice(this.#source.length));
    const changed = complete ? Math.min(appended, this.#markdown.finish()) : appended;
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
      const view = blockView(block, this.#words);
      this.#views[i] = view;
      const parent = block.kind === "footnote" ? this.#footnoteSection() : this.#chunk(i);
      if (old?.element.parentElement === parent) old.element.replaceWith(view.element);
      else {
        old?.element.remove();
        parent.insertBefore(view.element, this.#nextIn(parent, i));
      }
      // A late link definition changed a finished block.
      if (i < this.#finished) view.finish();
    }
    for (const { element } of this.#views.splice(blocks.length)) element.remove();
    for (const chunk of this.#chunks.splice(Math.ceil(blocks.length / blocksPerChunk))) chunk?.remove();
    if (this.#footnotes?.childElementCount === 0) {
      this.#footnotes.remove();
      this.#footnotes = undefined;
    }
  }

  /** The block that follows in the same box, where one is drawn already. */
  #nextIn(parent: Element, block: number): Element | null {
    return this.#views.slice(block + 1).find(({ element }) => element.parentElement === parent)?.element ?? null;
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

  #chunk(block: number): HTMLElement {
    const index = Math.floor(block / blocksPerChunk);
    const chunk = this.#chunks[index] ?? el("div", { className: "chunk" });
    this.#chunks[index] = chunk;
    if (!chunk.parentElement) {
      this.element.insertBefore(chunk, this.#footnotes ?? null);
      // The chunk before is complete, except for a late definition.
      const before = this.#chunks[index - 1];
      if (before) layoutMemory.settle(before);
    }
    return chunk;
  }

  /** Footnotes are shown below the answer, wherever the model wrote them. */
  #footnoteSection(): HTMLElement {
    this.#footnotes ??= el("section", { className: "footnotes", ariaLabel: this.#words.footnotes });
    if (!this.#footnotes.parentElement) this.element.append(this.#footnotes);
    return this.#footnotes;
  }

  #finish(count: number): void {
    while (this.#finished < count) this.#views[this.#finished++]!.finish();
  }
}

const headingDepth = (block: Block): number | undefined => {
  const depth = block.kind === "html" ? /^<h\d class="h(\d)"/.exec(block.html)?.[1] : undefined;
  return depth === undefined ? undefined : Number(depth);
};
