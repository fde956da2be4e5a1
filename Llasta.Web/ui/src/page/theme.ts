export const themes = ["auto", "light", "dark"] as const;

export type Theme = (typeof themes)[number];

/** Other programs on this machine may have had the same address, and have keys of their own there. */
const key = "llasta-theme";

/** The appearance is the only thing that the page stores. */
export function storedTheme(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(key)) ?? "auto";
  } catch {
    return "auto";
  }
}

/** Uses an appearance from now on, and keeps the choice. */
export function chooseTheme(theme: Theme): void {
  useTheme(theme);
  try {
    if (theme === "auto") localStorage.removeItem(key);
    else localStorage.setItem(key, theme);
  } catch {
    // Storage is disabled: the choice lasts until the page is closed.
  }
}

export function useTheme(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  // The browser's own bars take the page's colour, --paper in colour.css.
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]'))
    meta.content = (theme === "auto" ? meta.media.includes("dark") : theme === "dark") ? "#16181a" : "#fbfaf7";
}
