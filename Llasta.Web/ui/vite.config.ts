import { defineConfig } from "vitest/config";

export default defineConfig({
  // The first paint waits for the script, which builds the page and knows the chosen appearance. Vite drops the attribute, so it is added here.
  plugins: [{ name: "blocking", transformIndexHtml: (html) => html.replace('<script type="module"', '$& blocking="render"') }],
  base: "./",
  build: {
    outDir: "../wwwroot",
    emptyOutDir: true,
    target: "es2022",
    // A data: font or image would need a less strict content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    // For developing the page: run `npx vite` beside a running chatbot.
    proxy: { "/api": process.env["CHATBOT"] ?? "http://localhost:8080" },
  },
  test: { include: ["test/**/*.test.ts"] },
});
