// The theme: light, dark or the system's.

export type Theme = "auto" | "light" | "dark";
export const THEME_CHANGED = "leflux:theme";
const KEY = "leflux:dashboard-theme";

export function theme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "auto";
  } catch {
    return "auto";
  }
}

export function applyTheme(): void {
  const chosen = theme();
  if (chosen === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

export function chooseTheme(chosen: Theme): void {
  try {
    if (chosen === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, chosen);
  } catch {
    // Without storage, the choice lasts until the page is left.
    document.documentElement.dataset["theme"] = chosen;
  }
  applyTheme();
  dispatchEvent(new Event(THEME_CHANGED));
}
