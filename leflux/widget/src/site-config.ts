// The site's appearance, as far as the server or the cache has sent what the widget can use.

import type { SiteConfig } from "./types.js";

const TEXTS = ["title", "subtitle", "greeting", "primaryColor", "launcherLabel", "placeholder"];
const CHOICES: Record<string, unknown[]> = {
  position: ["right", "left"],
  theme: ["auto", "light", "dark"],
  hideLauncher: [true, false],
};

/** Leaves out settings of another type. */
export function siteConfig(value: unknown): SiteConfig {
  const known = Object.entries((value ?? {}) as object).filter(([name, setting]) => fits(name, setting));
  return Object.fromEntries(known) as SiteConfig;
}

function fits(name: string, setting: unknown): boolean {
  if (TEXTS.includes(name)) return typeof setting === "string";
  if (name === "chips") return Array.isArray(setting) && setting.every((chip) => typeof chip === "string");
  if (name === "context") return Array.isArray((setting as SiteConfig["context"] | null)?.query ?? []);
  return CHOICES[name]?.includes(setting) === true;
}
