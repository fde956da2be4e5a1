// What the first paint needs, gzip: the scripts and styles that the built index.html names (Vite lists static imports there too).
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

export const budget = 60 * 1024;

const root = new URL("../wwwroot/", import.meta.url);

export function firstPaint() {
  const html = readFileSync(new URL("index.html", root), "utf8");
  return [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, file]) => ({
    file,
    bytes: gzipSync(readFileSync(new URL(file, root))).length,
  }));
}

if (import.meta.filename === process.argv[1]) {
  const files = firstPaint();
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const kb = (bytes) => (bytes / 1024).toFixed(1);
  const parts = files.map(({ file, bytes }) => `${file.split("/").pop()} ${kb(bytes)}`);
  console.log(`First paint, gzip: ${kb(total)} of ${kb(budget)} KB (${parts.join(", ")})`);
  if (total > budget) {
    console.error(`error: the first paint needs more than ${kb(budget)} KB`);
    process.exit(1);
  }
}
