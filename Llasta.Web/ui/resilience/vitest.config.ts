import { defineConfig } from "vitest/config";

/** The page's logic against the real services while these die: `npm run resilience`, after `dotnet build`. */
export default defineConfig({ test: { include: ["*.test.ts"], root: import.meta.dirname, fileParallelism: false, retry: process.env["CI"] ? 1 : 0, reporters: ["verbose"] } });
