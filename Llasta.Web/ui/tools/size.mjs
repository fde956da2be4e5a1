// Prints the gzip size of the first paint, and fails if it is over budget: the scripts and styles that the built
// index.html names (Vite lists static imports there too). An argument names another folder than wwwroot.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const budget = 60 * 1024;

const root = process.argv[2] ?? join(import.meta.dirname, "../../wwwroot");
const html = readFileSync(join(root, "index.html"), "utf8");
const files = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, file]) => ({
  name: basename(file),
  bytes: gzipSync(readFileSync(join(root, file))).length,
}));
const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
const kb = (bytes) => (bytes / 1024).toFixed(1);

console.log(`First paint, gzip: ${kb(total)} of ${kb(budget)} KB (${files.map(({ name, bytes }) => `${name} ${kb(bytes)}`).join(", ")})`);
if (total > budget) {
  console.error(`error: the first paint needs more than ${kb(budget)} KB`);
  process.exit(1);
}
