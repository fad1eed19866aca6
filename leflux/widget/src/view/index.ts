// The view: one element at the end of the page, with its own shadow root.

import * as t from "#texts";
import type { More } from "../more-part.js";
import type { Load } from "../part-loader.js";
import type { View, ViewActions, ViewState } from "../types.js";
import { el, set, setAll, show } from "./dom.js";
import { Launcher } from "./launcher.js";
import { Panel } from "./panel.js";
import { Theme } from "./theme.js";

/** A page that removes the element over and over is not fought: this is how long a return is put off. */
const RETURN_MS = 1_000;
const UNHIDE_MS = 50;
const MOVES = ["resize", "scroll"];
const HIDING = ["inert", "aria-hidden"];

class WidgetView implements View {
  readonly #host: HTMLElement;
  readonly #shadow: ShadowRoot;
  readonly #root = el("div", null, { class: "root", lang: t.lang, dir: t.dir });
  readonly #launcher: Launcher;
  readonly #panel: Panel;
  readonly #theme: Theme;
  readonly #observer = new MutationObserver(() => this.#mount());
  #returned = -RETURN_MS;
  #later: ReturnType<typeof setTimeout> | undefined;
  #hidden: ReturnType<typeof setTimeout> | undefined;
  /** The launcher was pressed. Safari does not focus a button that is pressed. */
  #isPressed = false;
  #wasOpen: boolean | null = null;

  readonly #page: Document;

  constructor(page: Document, actions: ViewActions, more: Load<More>) {
    this.#page = page;
    this.#host = page.createElement("leflux-widget");
    // A page may close all popovers that it finds.
    this.#host.addEventListener("toggle", (event) => (event as ToggleEvent).newState === "closed" && this.#raise());
    this.#shadow = this.#host.attachShadow({ mode: "open" });
    this.#launcher = new Launcher(actions);
    this.#launcher.node.addEventListener("click", () => {
      this.#isPressed = true;
    });
    this.#panel = new Panel(actions, more);
    this.#root.append(this.#panel.node, this.#launcher.node);
    show(this.#root, false);
    this.#theme = new Theme(this.#shadow, this.#root);
    this.#shadow.append(this.#root);
    // Keep keystrokes from the page's shortcuts, which cannot see a field inside a shadow root.
    for (const name of ["keydown", "keypress", "keyup"]) {
      this.#root.addEventListener(name, (event) => event.stopPropagation());
    }
    for (const name of MOVES) window.visualViewport?.addEventListener(name, this.#fit);
    this.#mount();
    if (window.visualViewport) requestAnimationFrame(this.#fit);
  }

  /** Fits the panel above an on-screen keyboard, which does not resize the page, and undoes the page's CSS zoom. */
  readonly #fit = (): void => {
    const { height, offsetTop, scale } = window.visualViewport!;
    const zoom = (this.#host as { currentCSSZoom?: number }).currentCSSZoom ?? 1;
    // A page that the visitor has zoomed by a pinch is left alone.
    const room = scale > 1 ? "" : `--top:${offsetTop}px;--height:${height}px`;
    this.#root.style.cssText = zoom === 1 ? room : `${room};zoom:${1 / zoom}`;
  };

  /** Mounts the element, also later when the page has no body yet, replaces it or its root, or makes it inert. */
  #mount(): void {
    const { body, documentElement } = this.#page;
    const home = body?.inert ? documentElement : body;
    const parent = this.#host.parentElement;
    const isAway = !this.#host.isConnected || parent?.inert || (parent === documentElement && parent !== home);
    if (home !== null && isAway) this.#return(home);
    this.#observer.disconnect();
    this.#observer.observe(window.document, { childList: true });
    if (documentElement !== null) this.#observer.observe(documentElement, { childList: true });
    if (body !== null) this.#observer.observe(body, { childList: true, attributeFilter: ["inert"] });
    this.#observer.observe(this.#host, { attributeFilter: HIDING });
    this.#unhide();
  }

  /** Libraries for modals hide all other elements of the page from pointers and screen readers. */
  #unhide(): void {
    clearTimeout(this.#hidden);
    if (!HIDING.some((name) => this.#host.hasAttribute(name))) return;
    // Later: a page that hides it again at once must not keep the browser busy.
    this.#hidden = setTimeout(() => {
      for (const name of HIDING) this.#host.removeAttribute(name);
    }, UNHIDE_MS);
  }

  #return(body: HTMLElement): void {
    clearTimeout(this.#later);
    const wait = this.#returned + RETURN_MS - performance.now();
    if (wait > 0) {
      this.#later = setTimeout(() => this.#mount(), wait);
      return;
    }
    this.#returned = performance.now();
    body.appendChild(this.#host);
    this.#panel.returned();
    this.#raise();
  }

  /** Moves the host to the top layer, where no style of `html` or `body` can hold or shift it. */
  #raise(): void {
    this.#host.popover = "manual";
    if (this.#host.isConnected) this.#host.showPopover?.();
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
    // The focused element was removed, such as an answered question.
    else if (hasFocus && state.open && this.#shadow.activeElement === null) this.focusInput();
    this.#wasOpen = state.open;
  }

  /** Moves the focus only within the widget: the visitor may be typing into the page. */
  #moveFocus(isOpen: boolean, hadFocus: boolean): void {
    set(this.#root, "data-moved", "");
    if (isOpen && (hadFocus || this.#isPressed)) this.focusInput();
    if (!isOpen && hadFocus) this.#launcher.node.focus();
    this.#isPressed = false;
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
    clearTimeout(this.#later);
    clearTimeout(this.#hidden);
    this.#theme.destroy();
    this.#panel.destroy();
    this.#host.remove();
  }
}

/** `more`: loads what draws rich Markdown. */
export const createView = (page: Document, actions: ViewActions, more: Load<More>): View => new WidgetView(page, actions, more);
