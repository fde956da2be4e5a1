// Runs a TypeScript file of this folder: node tools/run.mjs bench.ts --tokens 2000
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const script = fileURLToPath(new URL(process.argv[2], import.meta.url));
await runnerImport(script, { configFile: false, logLevel: "warn" });
