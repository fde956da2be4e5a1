import { defineConfig } from "@playwright/test";
import { launch } from "./e2e/support/launch.ts";

/** The page in a real browser, in front of the real servers; what they need must have been built. */
export default defineConfig({
  testDir: "e2e",
  testMatch: "**/*.spec.ts",
  outputDir: "test-results/artifacts",
  fullyParallel: true,
  workers: 2,
  forbidOnly: Boolean(process.env["CI"]),
  // A second try is told apart as flaky in the report.
  retries: process.env["CI"] ? 1 : 0,
  // Generous: nothing waits for them to pass, and a busy machine is no failure.
  timeout: 90_000,
  expect: { timeout: 30_000 },
  reporter: [["list"], ["json", { outputFile: "test-results/browser.json" }]],
  use: {
    launchOptions: launch,
    locale: "en-US",
    colorScheme: "light",
    viewport: { width: 1100, height: 800 },
    actionTimeout: 30_000,
    screenshot: "only-on-failure",
  },
});
