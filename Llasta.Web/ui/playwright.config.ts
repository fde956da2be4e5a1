import { defineConfig } from "@playwright/test";
import { launch } from "./e2e/support/launch.ts";

/** Tests of the page in a real browser and in front of the real servers, which must have been built. */
export default defineConfig({
  testDir: "e2e",
  testMatch: "**/*.spec.ts",
  outputDir: "test-results/artifacts",
  fullyParallel: true,
  workers: 2,
  forbidOnly: Boolean(process.env["CI"]),
  // A test that passes on retry is reported as flaky.
  retries: process.env["CI"] ? 1 : 0,
  // Generous timeouts: a passing test never waits for them, and a busy machine must not fail a test.
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
