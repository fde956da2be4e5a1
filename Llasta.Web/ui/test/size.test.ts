import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { build } from "vite";

test("the first paint needs at most 60 KB with gzip", { timeout: 60_000 }, async () => {
  const outDir = mkdtempSync(join(tmpdir(), "page-"));
  try {
    await build({ logLevel: "silent", build: { outDir } });
    const printed = execFileSync(process.execPath, ["tools/size.mjs", outDir], { encoding: "utf8" });
    expect(printed).toMatch(/^First paint, gzip: \d+\.\d of 60\.0 KB/);
  } finally {
    rmSync(outDir, { recursive: true });
  }
});
