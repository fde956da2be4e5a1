import { copyButton } from "../dom/clipboard.ts";
import { el } from "../dom/element.ts";
import type { Block } from "../markdown/blocks.ts";
import type { Words } from "../words/index.ts";
import { CodeBlock } from "./codeBlock.ts";
import { enhance, leaveRoom } from "./enhance.ts";
import { addWayBack } from "./footnote.ts";
import { sanitized } from "./sanitize.ts";
import { reachableWhileWide } from "./scrollable.ts";

/** One block in the page. */
export interface BlockView {
  readonly element: HTMLElement;
  block: Block;
  /** Shows a changed block. Returns false if it needs a new view. */
  update(block: Block): boolean;
  /** The block won't change again. */
  finish(): void;
}

export function blockView(block: Block, words: Words): BlockView {
  switch (block.kind) {
    case "html":
      return htmlView(block, words);
    case "footnote": {
      const view = htmlView(block, words);
      addWayBack(view.element, words);
      return view;
    }
    case "code":
      return codeView(block, words);
    case "list": {
      const list = block.ordered ? el("ol", { start: block.start, dir: "auto" }) : el("ul", { dir: "auto" });
      return partsView(
        block,
        list,
        (html) => sanitized(html).querySelector("li"),
        (part) => enhance(part, words),
        (part) => {
          list.append(part);
          if (list instanceof HTMLOListElement) leaveRoom(list);
        },
        (old, block) => block.kind === "list" && block.ordered === old.ordered && block.start === old.start,
      );
    }
    case "table":
      return tableView(block, words);
  }
}

function htmlView(block: Block & { kind: "html" | "footnote" }, words: Words): BlockView {
  const element = sanitized(block.html).firstElementChild;
  const root = element instanceof HTMLElement ? element : el("p");
  const codes = enhance(root, words);
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

function tableView(block: Block & { kind: "table" }, words: Words): BlockView {
  const row = (html: string, section: string) => sanitized(`<table><${section}>${html}</${section}></table>`).querySelector("tr");
  const head = row(block.head, "thead");
  if (head) enhance(head, words);
  const body = el("tbody");
  const table = el("table", {}, el("thead", {}, head ?? undefined), body);
  const scroller = el("div", { className: "scroller", role: "group", ariaLabel: tableName(head, words) }, table);
  reachableWhileWide(scroller);
  const copied = () => ({ text: tabSeparated(table), html: table.outerHTML });
  const tools = el("div", { className: "table-tools" }, copyButton(copied, words.copyTable, words));
  return partsView(
    block,
    el("div", { className: "table", dir: "auto" }, scroller, tools),
    (html) => row(html, "tbody"),
    (part) => enhance(part, words),
    (part) => body.append(part),
    (old, block) => block.kind === "table" && block.head === old.head,
  );
}

/** The accessible name: the column headings distinguish tables. */
function tableName(head: Element | null, words: Words): string {
  const columns = [...(head?.children ?? [])].map((cell) => cell.textContent.trim()).filter(Boolean);
  return [words.table, ...columns.slice(0, 3)].join(", ");
}

/** The table as tab-separated values, for spreadsheets. A line break in a cell becomes a space. */
const tabSeparated = (table: HTMLTableElement): string =>
  [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.replace(/\s+/g, " ").trim()).join("\t")).join("\n");

interface Part {
  readonly html: string;
  readonly element: HTMLElement;
  readonly codes: readonly CodeBlock[];
  finished: boolean;
}

/** A block whose parts (items, rows) arrive one by one. */
function partsView<Parted extends Block & { kind: "list" | "table" }>(
  block: Parted,
  element: HTMLElement,
  make: (html: string) => Element | null,
  enhance: (part: HTMLElement) => readonly CodeBlock[],
  append: (part: HTMLElement) => void,
  isSameFrame: (old: Parted, next: Block) => boolean,
): BlockView {
  const parts: Part[] = [];
  const show = (all: readonly string[]) => {
    all.forEach((html, i) => {
      const old = parts[i];
      if (old?.html === html) return;
      const made = make(html);
      const part = made instanceof HTMLElement ? made : el("li");
      parts[i] = { html, element: part, codes: enhance(part), finished: false };
      if (old) old.element.replaceWith(part);
      else append(part);
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
