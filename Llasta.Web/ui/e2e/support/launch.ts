import type { LaunchOptions } from "@playwright/test";
import { findBrowser } from "./browser.mjs";

/** A name for this machine other than localhost: browsers treat a page under it as one from the network. */
export const networkName = "chat.example";

const executablePath = findBrowser();

export const launch: LaunchOptions = {
  ...(executablePath && { executablePath }),
  args: [
    // Chromium's sandbox doesn't run as root.
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    "--disable-gpu",
    // Keys and wheel scroll at once, so that tests don't measure halfway.
    "--disable-smooth-scrolling",
    "--disable-quic",
    "--disable-background-networking",
    `--host-resolver-rules=MAP ${networkName} 127.0.0.1`,
  ],
};
