import { formulaAt } from "./math.ts";

/**
 * The cells of a table's row. Every unescaped pipe ends a cell. If that gives too many cells, pipes inside
 * formulas and code don't. Cells that are still too many are joined to the last one: nothing is lost.
 */
export function splitRow(row: string, columns: number): string[] {
  const cells = cellsFor(row, columns);
  return cells.length <= columns ? cells : [...cells.slice(0, columns - 1), cells.slice(columns - 1).join(" | ")];
}

/**
 * The cells of a header. Models miscount columns: a row that begins with a pipe is a header even if the delimiter row has
 * more cells or fewer. Any other row is one only if their numbers are equal.
 * @param columns the number of the delimiter row's cells.
 */
export function splitHeader(row: string, columns: number): string[] | undefined {
  const cells = cellsFor(row, columns);
  if (cells.length !== columns && !/^\s*\|/.test(row)) return undefined;
  return [...cells, ...Array<string>(Math.max(0, columns - cells.length)).fill("")];
}

function cellsFor(row: string, columns: number): string[] {
  const plain = cellsOf(row, pipes(row));
  if (plain.length <= columns) return plain;
  const kept = cellsOf(row, pipes(row, true));
  return kept.length >= columns ? kept : plain;
}

function cellsOf(row: string, ends: readonly number[]): string[] {
  const cells: string[] = [];
  let begin = 0;
  for (const end of [...ends, row.length]) {
    cells.push(row.slice(begin, end).trim().replaceAll("\\|", "|"));
    begin = end + 1;
  }
  if (!cells[0]) cells.shift();
  if (cells.length > 0 && !cells.at(-1)) cells.pop();
  return cells;
}

/** Where cells end. */
function pipes(row: string, keepsSpans = false): number[] {
  const ends: number[] = [];
  const missing = new Set<string>();
  for (let at = 0; at < row.length; at++) {
    const character = row[at];
    if (character === "|") ends.push(at);
    else if (keepsSpans && (character === "$" || character === "\\")) {
      const formula = formulaAt(row, at, missing);
      if (formula) at = formula.end - 1;
      else if (character === "\\") at++;
    } else if (character === "\\") at++;
    else if (keepsSpans && character === "`") {
      const run = /^`+/.exec(row.slice(at))![0];
      const end = missing.has(run) ? -1 : row.indexOf(run, at + run.length);
      if (end < 0) missing.add(run);
      at = (end < 0 ? at : end) + run.length - 1;
    }
  }
  return ends;
}
