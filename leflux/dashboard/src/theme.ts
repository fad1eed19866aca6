// Light, dark, or what the system says.

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
    // A browser that keeps nothing shows the choice until the page is left.
    document.documentElement.dataset["theme"] = chosen;
  }
  applyTheme();
  dispatchEvent(new Event(THEME_CHANGED));
}
