// Styles without inline styles: they work on a page whose policy forbids those, and the page's own do not reach in.

import type { SiteConfig } from "../types.js";
import { accent } from "./color.js";
import css from "./style.css?inline";
import { el, set, setText } from "./dom.js";

/** A sheet for this shadow root, and how to say what is in it. */
function sheet(shadow: ShadowRoot): (text: string) => void {
  if ("adoptedStyleSheets" in shadow) {
    const made = new CSSStyleSheet();
    shadow.adoptedStyleSheets = [made];
    return (text) => made.replaceSync(text);
  }
  // Browsers before constructable sheets: the same, where the page's policy lets it.
  const element = el("style", null);
  (shadow as ShadowRoot).append(element);
  return (text) => setText(element, text);
}

export class Theme {
  readonly #write: (text: string) => void;
  readonly #darkness = matchMedia("(prefers-color-scheme: dark)");
  readonly #follow = (): void => this.#shade();
  #config: SiteConfig = {};
  #color: unknown = NaN;

  readonly #root: HTMLElement;

  constructor(shadow: ShadowRoot, root: HTMLElement) {
    this.#root = root;
    this.#write = sheet(shadow);
    this.#darkness.addEventListener("change", this.#follow);
  }

  render(config: SiteConfig): void {
    this.#config = config;
    this.#shade();
    set(this.#root, "data-position", config.position === "left" ? "left" : "right");
    if (this.#color === config.primaryColor) return;
    this.#color = config.primaryColor;
    const { base, on, onLight, onDark } = accent(this.#color);
    this.#write(
      `${css}.root{--accent:${base};--on:${on};--link:${onLight}}.root[data-theme=dark]{--link:${onDark}}`,
    );
  }

  #shade(): void {
    const { theme } = this.#config;
    const isDark = theme === "dark" || (theme !== "light" && this.#darkness.matches);
    set(this.#root, "data-theme", isDark ? "dark" : "light");
  }

  destroy(): void {
    this.#darkness.removeEventListener("change", this.#follow);
  }
}
