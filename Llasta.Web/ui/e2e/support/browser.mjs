// Finds the browsers for the tests of the page. As a script, `node browser.mjs chromium|firefox|webkit` prints the path of
// one; for Chromium and Firefox it lets Playwright or Puppeteer download it if there is none. It exits with 1 if there is
// none in the end (then install it with the package manager).
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const chromiumNames = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge"];
const chromiumPlaces = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:/Program Files/Google/Chrome/Application/chrome.exe",
  "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
];

const firefoxPlaces = ["/Applications/Firefox.app/Contents/MacOS/firefox", "C:/Program Files/Mozilla Firefox/firefox.exe"];

/** Where Puppeteer keeps the browsers that it downloads. */
const downloads = join(homedir(), ".cache/puppeteer");

/** @returns {string | undefined} the path of an installed browser; the variable CHROMIUM_PATH takes precedence. */
export const findBrowser = () =>
  [process.env.CHROMIUM_PATH, ...onPath(chromiumNames), ...chromiumPlaces, chromium.executablePath()].find(isExecutable);

/** @returns {string | undefined} the path of an installed Firefox; the variable FIREFOX_PATH takes precedence. */
export const findFirefox = () =>
  [process.env.FIREFOX_PATH, ...onPath(["firefox", "firefox-esr"]), ...firefoxPlaces, ...downloadedFirefoxes()].find(isExecutable);

/** @returns {{ driver: string, browser: string, xvfb: string | undefined } | undefined} the paths of WebKitGTK's driver and browser. */
export function findWebKit() {
  const [driver] = onPath(["WebKitWebDriver"]);
  const [xvfb] = onPath(["Xvfb"]);
  const browser = ["/usr/lib", ...children("/usr/lib"), "/usr/libexec"]
    .flatMap((folder) => children(folder).filter((child) => /webkit2?gtk-[\d.]+$/.test(child)))
    .map((folder) => join(folder, "MiniBrowser"))
    .find(isExecutable);
  return driver && browser && (xvfb || process.env.DISPLAY) ? { driver, browser, xvfb } : undefined;
}

const onPath = (names) =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .filter(isExecutable);

const downloadedFirefoxes = () => children(join(downloads, "firefox")).map((folder) => join(folder, "firefox/firefox"));

function children(folder) {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function isExecutable(path) {
  try {
    accessSync(path ?? "", constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const browsers = {
    chromium: { find: findBrowser, install: ["@playwright/test/cli.js", "install", "chromium"] },
    firefox: {
      find: findFirefox,
      install: ["@puppeteer/browsers/lib/cjs/main-cli.js", "install", "firefox@stable", "--path", downloads],
    },
    webkit: { find: () => findWebKit()?.browser, install: undefined },
  };
  const name = process.argv[2] ?? "chromium";
  const { find, install } = browsers[name];
  if (!find() && install) {
    const [script, ...options] = install;
    const cli = fileURLToPath(new URL(`../../node_modules/${script}`, import.meta.url));
    if (existsSync(cli)) spawnSync(process.execPath, [cli, ...options], { stdio: ["ignore", 2, 2] });
  }
  const path = find();
  if (path) console.log(path);
  else {
    console.error(`No ${name} was found.`);
    process.exitCode = 1;
  }
}
