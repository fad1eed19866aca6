// The widget's styles and colours, in a style sheet that a strict content security policy allows.

import type { SiteConfig } from "../types.js";
import { accent } from "./color.js";
import { set } from "./dom.js";
import css from "./style.css?inline";
import { addStyle } from "./style-sheet.js";

export class Theme {
  readonly #write: (text: string) => void;
  readonly #darkness = matchMedia("(prefers-color-scheme: dark)");
  readonly #onChange = (): void => this.#setTheme();
  #config: SiteConfig = {};
  #color: unknown = NaN;

  readonly #root: HTMLElement;

  constructor(shadow: ShadowRoot, root: HTMLElement) {
    this.#root = root;
    this.#write = addStyle(shadow);
    this.#darkness.addEventListener("change", this.#onChange);
  }

  render(config: SiteConfig): void {
    this.#config = config;
    this.#setTheme();
    set(this.#root, "data-position", config.position === "left" ? "left" : "right");
    if (this.#color === config.primaryColor) return;
    this.#color = config.primaryColor;
    const { base, on, onLight, onDark } = accent(this.#color);
    this.#write(
      `${css}.root{--accent:${base};--on:${on};--link:${onLight}}.root[data-theme=dark]{--link:${onDark}}`,
    );
  }

  #setTheme(): void {
    const { theme } = this.#config;
    const isDark = theme === "dark" || (theme !== "light" && this.#darkness.matches);
    set(this.#root, "data-theme", isDark ? "dark" : "light");
  }

  destroy(): void {
    this.#darkness.removeEventListener("change", this.#onChange);
  }
}
