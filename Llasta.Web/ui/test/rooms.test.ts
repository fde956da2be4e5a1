import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { expect, test } from "vitest";

/** The folders of the source; each may import only from the ones before it. */
const rooms = ["turn", "words", "markdown", "conversation", "dom", "render", "scroll", "page"];

const source = join(import.meta.dirname, "../src");
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts") && file.includes(sep));
const roomOf = (file: string): string => file.split(sep)[0]!;

test("every folder of the source is one of the rooms", () => {
  expect([...new Set(files.map(roomOf))].filter((room) => room !== "style").sort()).toEqual([...rooms].sort());
});

test("no import points to a later room, so there is no circle between rooms", () => {
  const upward = files.flatMap((file) =>
    [...readFileSync(join(source, file), "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)]
      .map(([, target]) => relative(source, join(source, dirname(file), target!)))
      .filter((target) => rooms.indexOf(roomOf(target)) > rooms.indexOf(roomOf(file)))
      .map((target) => `${file} imports ${target}`),
  );
  expect(upward).toEqual([]);
});

test("no two source files have the same name", () => {
  const names = files.map((file) => file.split(sep).at(-1)!).filter((name) => name !== "index.ts");
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});
