import { defineConfig } from "vitest/config";

export default defineConfig({
  // The first paint waits for the script, which makes the page and knows the chosen appearance; Vite drops the attribute.
  plugins: [{ name: "blocking", transformIndexHtml: (html) => html.replace('<script type="module"', '$& blocking="render"') }],
  base: "./",
  build: {
    outDir: "../wwwroot",
    emptyOutDir: true,
    target: "es2022",
    // A data: font or image would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    // For working on the page itself: `npx vite` beside a running chatbot.
    proxy: { "/api": process.env["CHATBOT"] ?? "http://localhost:8080" },
  },
  test: { include: ["test/**/*.test.ts"] },
});
