import { escapeHtml, escapeKeepingReferences } from "./text.ts";

/** An answer's links lead to the web or to a mailbox; anything else (script, data, a path on this server) stays text. */
export const isSafeTarget = (target: string): boolean => /^(?:https?:\/\/|mailto:)/i.test(target);

/**
 * A link. Its title shows the target; if the text looks like an address of another host, the real host follows it.
 * @param label the text as it was written.
 */
export function anchor(target: string, title: string | null | undefined, html: string, label: string): string {
  if (!isSafeTarget(target)) return html;
  const leads = label.trim() === target || `mailto:${label}` === target ? "" : target;
  const hint = [title, leads].filter(Boolean).join(" · ");
  const open = `<a href="${escapeKeepingReferences(target)}"${hint ? ` title="${escapeKeepingReferences(hint)}"` : ""} target="_blank" rel="noopener noreferrer">`;
  const host = hostOf(target);
  const said = /^[*_`\s]*(?:[a-z][a-z\d+.-]*:\/\/)?((?:[a-z\d-]+\.)+[a-z]{2,})(?![\w.-]*\()/i.exec(label)?.[1]?.toLowerCase();
  const isOther =
    leads !== "" && said !== undefined && host !== undefined && withoutWww(said) !== withoutWww(host) && isHostName(label, said);
  return `${open}${html}</a>${isOther ? ` <span class="host" dir="ltr">(${escapeHtml(host)})</span>` : ""}`;
}

const withoutWww = (host: string): string => host.replace(/^www\./, "");

/** "https://…", or a name alone such as "bank.example": not "Node.js" or "README.md" in a sentence. */
const isHostName = (label: string, said: string): boolean =>
  label.includes("://") || said.startsWith("www.") || /\.(?:com|org|net|io|dev|gov|edu|info|eu|cn|jp|kr|de|fr|uk|ru)$/.test(said);

function hostOf(target: string): string | undefined {
  try {
    return new URL(target).hostname || undefined;
  } catch {
    return undefined;
  }
}

/** A remote image would tell its server who reads this, and when: it becomes a link. */
export const imageHtml = (target: string, title: string | null | undefined, text: string): string =>
  anchor(target, title, imageText(target, text), text || target);

/** An image's description, or its address. */
export const imageText = (target: string, text: string): string => `<span class="image">${escapeKeepingReferences(text || target)}</span>`;

/** TeX, which the page draws. */
export const formulaHtml = (tex: string, display: boolean): string =>
  `<span class="math${display ? " display" : ""}" dir="ltr">${escapeHtml(tex)}</span>`;

/** A formula whose end hasn't arrived yet. */
export const pendingFormulaHtml = '<span class="math pending" dir="ltr">…</span>';

/** A reference to a footnote. It shows the label from the text, not a number: a late definition can't renumber others. */
export const footnoteReference = (label: string): string =>
  `<sup class="reference"><a class="${escapeHtml(footnoteClass(label))}">${escapeHtml(label)}</a></sup>`;

/** The class shared by a footnote and its references. */
export const footnoteClass = (label: string): string => `note-${encodeURIComponent(label.toLowerCase())}`;
