import { defineConfig } from "vitest/config";

/** The page's own logic against the real services while these are killed: `npm test`, after `dotnet build`. */
export default defineConfig({
  test: { include: ["*.test.ts"], fileParallelism: false, retry: process.env["CI"] ? 1 : 0, reporters: ["verbose"] },
});
