// Writes the map of projects and folders into CONTRIBUTING.md, with an arrow for each dependency.
//
//   node eng/map.mjs            writes the map
//   node eng/map.mjs --check    changes nothing; fails if the map is out of date
//
// Both fail, and print the places, if projects or folders depend on each other in a circle. A project's node is a .csproj or a
// package.json. Inside a project, each folder is a node, and so is each file that stands outside the folders.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import { argv, exit } from "node:process";
import { fileURLToPath } from "node:url";
import { uses } from "./csharp.mjs";

const begin = "<!-- map: written by `node eng/map.mjs` -->";
const end = "<!-- end of map -->";
const generated = new Set([
  "artifacts",
  "bin",
  "dist",
  "node_modules",
  "obj",
  "playwright-report",
  "test-results",
  "TestResults",
  "wwwroot",
]);

/** @typedef {Map<string, Map<string, string[]>>} Graph node → what it depends on → places that show it */
/** @typedef {{ name: string, graph: Graph }} Part */

/**
 * The graph of the projects and, for each project with folders, the graph of its folders.
 * @param {string} root the repository's folder
 * @returns {Part[]}
 */
export function read(root) {
  const files = list(root, "");
  const projects = files
    .filter((file) => file.endsWith(".csproj") || posix.basename(file) === "package.json")
    .map((file) => ({ file, folder: posix.dirname(file) }))
    .filter((project) => project.folder !== ".");
  const owner = (file) =>
    projects.filter((project) => file.startsWith(`${project.folder}/`)).sort((a, b) => b.folder.length - a.folder.length)[0];
  const text = (file) => readFileSync(join(root, file), "utf8");
  const all = { name: "Projects", graph: new Map() };
  const parts = [];
  for (const project of projects) {
    node(all.graph, project.folder);
    const own = files.filter((file) => owner(file) === project);
    if (project.file.endsWith(".csproj")) {
      for (const [, path] of text(project.file).matchAll(/<ProjectReference[^>]*\sInclude="([^"]+)"/g)) {
        arrow(all.graph, project.folder, posix.dirname(posix.join(project.folder, path.replaceAll("\\", "/"))), project.file);
      }
      for (const inner of projects) {
        if (inner.folder.startsWith(`${project.folder}/`)) arrow(all.graph, project.folder, inner.folder, `${inner.file} is inside`);
      }
      parts.push(
        folders(
          project.folder,
          own.filter((file) => file.endsWith(".cs")),
          (sources) => uses(new Map(sources.map((file) => [file, text(posix.join(project.folder, file))]))),
        ),
      );
    } else {
      const scripts = own.filter((file) => /\.[mc]?tsx?$/.test(file));
      for (const use of scripts.flatMap((file) => imports(file, text(file)))) {
        const other = owner(use.to);
        if (other && other !== project) arrow(all.graph, project.folder, other.folder, `${use.from}:${use.line}`);
      }
      const source = posix.join(project.folder, "src");
      const inside = own.filter((file) => file.startsWith(`${source}/`) && (scripts.includes(file) || file.endsWith(".css")));
      parts.push(folders(source, inside, (sources) => sources.flatMap((file) => imports(file, text(posix.join(source, file))))));
    }
  }
  return [all, ...parts.filter((part) => ![...part.graph.keys()].every(isFile))];
}

/**
 * The shortest circles of dependencies, one per set of nodes. Files outside the folders count as one folder: they may refer to each
 * other, but not in a circle through a folder.
 * @param {Graph} graph
 * @returns {string[][]} the nodes of each circle in order
 */
export function circles(graph) {
  const found = new Map();
  for (const start of graph.keys()) {
    const way = isFile(start) ? undefined : circle(graph, start);
    if (way) found.set([...way].sort().join(), way);
  }
  return [...found.values()].sort((a, b) => a.length - b.length);
}

/**
 * The map as Markdown, with Mermaid charts.
 * @param {Part[]} parts
 */
export function markdown(parts) {
  return parts.map(({ name, graph }) => `**${name}**\n\n\`\`\`mermaid\n${chart(graph)}\n\`\`\``).join("\n\n");
}

function chart(graph) {
  const lines = [...graph.keys()].sort().flatMap((name) => {
    const to = [...graph.get(name).keys()].sort();
    if (to.length) return [`  ${id(name)} --> ${to.map(id).join(" & ")}`];
    const isAlone = ![...graph.values()].some((others) => others.has(name));
    return isAlone ? [`  ${id(name)}`] : [];
  });
  return ["flowchart TD", ...lines].join("\n");
}

// A name as Mermaid reads it, which takes some words for its own.
function id(name) {
  return /^(call|class|classDef|click|default|direction|end|flowchart|graph|href|linkStyle|style|subgraph)\b/.test(name)
    ? `_${name.replace(/\W/g, "_")}["${name}"]`
    : name;
}

// The graph of a project's folders, from the uses between its files.
function folders(name, files, usesOf) {
  const room = (file) => (file.includes("/") ? `${file.split("/")[0]}/` : file);
  const paths = files.map((file) => posix.relative(name, file));
  const known = new Set(paths);
  const graph = new Map();
  for (const path of paths) node(graph, room(path));
  for (const { from, to: written, line, name: what } of usesOf(paths)) {
    const to = ["", ".ts", ".tsx", "/index.ts"].map((ending) => written.replace(/\.js$/, ".ts") + ending).find((path) => known.has(path));
    if (to && room(from) !== room(to)) arrow(graph, room(from), room(to), `${name}/${from}:${line}${what ? ` (${what})` : ""}`);
  }
  return { name, graph };
}

// The relative imports of a TypeScript or JavaScript file.
function imports(file, text) {
  const pattern = /^[ \t]*(?:import|export)\b[^"';]*?["'](\.[^"'?]*)|\bimport\(\s*["'](\.[^"'?]*)/gm;
  return [...text.matchAll(pattern)].map((match) => ({
    from: file,
    to: posix.join(posix.dirname(file), match[1] ?? match[2]),
    line: text.slice(0, match.index).split("\n").length,
  }));
}

// The shortest way from a node back to itself.
function circle(graph, start) {
  const ways = [[start]];
  const seen = new Set();
  for (const way of ways) {
    for (const next of graph.get(way.at(-1)).keys()) {
      if (next === start) return way;
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

function list(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith(".") && !generated.has(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? list(root, posix.join(folder, entry.name)) : [posix.join(folder, entry.name)]));
}

const isFile = (name) => /\.(cs|css|[mc]?[jt]sx?)$/.test(name);

function node(graph, name) {
  if (!graph.has(name)) graph.set(name, new Map());
}

function arrow(graph, from, to, place) {
  node(graph, from);
  node(graph, to);
  graph.get(from).set(to, [...(graph.get(from).get(to) ?? []), place]);
}

/**
 * @param {string} root the repository's folder
 * @param {boolean} check whether to compare instead of write
 * @returns {string[]} what is wrong, in lines to print; empty if nothing is
 */
export function run(root, check) {
  const parts = read(root);
  const wrong = parts.flatMap(({ name, graph }) =>
    circles(graph).flatMap((way) => [
      `${name}: ${[...way, way[0]].join(" → ")} is a circle.`,
      ...way.flatMap((from, i) => {
        const to = way[(i + 1) % way.length];
        const places = graph.get(from).get(to);
        return [
          `  ${from} → ${to}`,
          ...places.slice(0, 5).map((place) => `    ${place}`),
          ...(places.length > 5 ? [`    and ${places.length - 5} more`] : []),
        ];
      }),
    ]),
  );
  if (wrong.length) return wrong;
  const path = join(root, "CONTRIBUTING.md");
  const text = readFileSync(path, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) return [`CONTRIBUTING.md has no lines "${begin}" and "${end}" in this order.`];
  const expected = `${text.slice(0, from)}${begin}\n${markdown(parts)}\n${text.slice(to)}`;
  if (check && text !== expected) return ["The map in CONTRIBUTING.md is out of date. Run: node eng/map.mjs"];
  if (!check) writeFileSync(path, expected);
  return [];
}

if (argv[1] && resolve(argv[1]) === fileURLToPath(import.meta.url)) {
  const wrong = run(resolve(dirname(fileURLToPath(import.meta.url)), ".."), argv.includes("--check"));
  for (const line of wrong) console.error(line);
  exit(wrong.length ? 1 : 0);
}
