// The widget's face: one element at the end of the page, in a shadow root of its own.

import * as t from "#texts";
import type { CreateView, View, ViewActions, ViewState } from "../types.js";
import { el, set, setAll, show } from "./dom.js";
import { Launcher } from "./launcher.js";
import { Panel } from "./panel.js";
import { Theme } from "./theme.js";

/** A page that takes the widget out again and again gets its way. */
const MOST_RETURNS = 20;
const MOVES = ["resize", "scroll"];

class Face implements View {
  readonly #host: HTMLElement;
  readonly #shadow: ShadowRoot;
  readonly #root = el("div", null, { class: "root", lang: t.lang, dir: t.dir });
  readonly #launcher: Launcher;
  readonly #panel: Panel;
  readonly #theme: Theme;
  readonly #observer = new MutationObserver(() => this.#mount());
  #returns = 0;
  #wasOpen: boolean | null = null;

  readonly #page: Document;

  constructor(page: Document, actions: ViewActions) {
    this.#page = page;
    this.#host = page.createElement("leflux-widget");
    this.#shadow = this.#host.attachShadow({ mode: "open" });
    this.#launcher = new Launcher(actions);
    this.#panel = new Panel(actions);
    this.#root.append(this.#panel.node, this.#launcher.node);
    show(this.#root, false);
    this.#theme = new Theme(this.#shadow, this.#root);
    this.#shadow.append(this.#root);
    // What is typed here is not meant for the page's shortcuts, which cannot see that it goes into a field.
    for (const name of ["keydown", "keypress", "keyup"]) {
      this.#root.addEventListener(name, (event) => event.stopPropagation());
    }
    for (const name of MOVES) window.visualViewport?.addEventListener(name, this.#fit);
    this.#mount();
  }

  /** An on-screen keyboard covers or moves the page without making it smaller. Zooming in is no keyboard. */
  readonly #fit = (): void => {
    const { height, offsetTop, scale } = window.visualViewport!;
    this.#root.style.cssText = scale > 1 ? "" : `--top:${offsetTop}px;--height:${height}px`;
  };

  /** Also after the page has replaced its body, as some routers do, or while it has none yet. */
  #mount(): void {
    const { body, documentElement } = this.#page;
    if (body !== null && !this.#host.isConnected && this.#returns <= MOST_RETURNS) {
      this.#returns += 1;
      body.append(this.#host);
    }
    this.#observer.disconnect();
    this.#observer.observe(documentElement, { childList: true });
    if (body !== null) this.#observer.observe(body, { childList: true });
  }

  render(state: ViewState): void {
    const hasFocus = this.#shadow.activeElement !== null;
    this.#theme.render(state.config);
    show(this.#root, true);
    setAll(this.#root, {
      "data-open": state.open ? "" : null,
      "data-docked": state.docked ? "" : null,
    });
    this.#launcher.render(state);
    this.#panel.render(state);
    if (this.#wasOpen !== null && this.#wasOpen !== state.open) this.#moveFocus(state.open, hasFocus);
    // What had it is gone, such as an answered question.
    else if (hasFocus && state.open && this.#shadow.activeElement === null) this.focusInput();
    this.#wasOpen = state.open;
  }

  /** Not in a window that only mirrors what another one does. */
  #moveFocus(isOpen: boolean, hadFocus: boolean): void {
    set(this.#root, "data-moved", "");
    if (isOpen && this.#page.hasFocus()) this.#panel.composer.input.focus();
    if (!isOpen && hadFocus) this.#launcher.node.focus();
  }

  focusInput(): void {
    this.#panel.composer.input.focus();
  }

  draft(): string {
    return this.#panel.composer.text;
  }

  setDraft(text: string): void {
    this.#panel.composer.text = text;
  }

  destroy(): void {
    for (const name of MOVES) window.visualViewport?.removeEventListener(name, this.#fit);
    this.#observer.disconnect();
    this.#theme.destroy();
    this.#panel.destroy();
    this.#host.remove();
  }
}

export const createView: CreateView = (page, actions) => new Face(page, actions);
