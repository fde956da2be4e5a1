// Finds the Chromium for the browser tests: an installed one first, otherwise Playwright's own download.
// As a script, it prints the path, and lets Playwright download its Chromium if there is none. It exits with 1 if
// that fails too (then install Chromium with the package manager: apt-get install chromium).
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge"];
const places = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:/Program Files/Google/Chrome/Application/chrome.exe",
  "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
];

/** @returns {string | undefined} the path of an installed browser; the variable CHROMIUM_PATH takes precedence. */
export function findBrowser() {
  const onPath = (process.env.PATH ?? "").split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const given = process.env.CHROMIUM_PATH;
  return [...(given ? [given] : []), ...onPath, ...places, chromium.executablePath()].find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!findBrowser()) {
    const cli = fileURLToPath(new URL("../../node_modules/@playwright/test/cli.js", import.meta.url));
    if (existsSync(cli)) spawnSync(process.execPath, [cli, "install", "chromium"], { stdio: ["ignore", 2, 2] });
  }
  const path = findBrowser();
  if (path) console.log(path);
  else {
    console.error("No Chromium was found, and Playwright couldn't download one. Install Chromium or Chrome, or set CHROMIUM_PATH.");
    process.exitCode = 1;
  }
}
