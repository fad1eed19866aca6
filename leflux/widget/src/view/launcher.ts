// The button that opens the chat, with the count of unread messages.

import * as t from "#texts";
import type { ViewActions, ViewState } from "../types.js";
import { el, icon, set, setText, show } from "./dom.js";

const MOST = 99;

export class Launcher {
  readonly node: HTMLButtonElement;
  readonly #name = el("span", null);
  readonly #news = el("span", null, { class: "sr" }, ` ${t.newer}: `);
  readonly #badge = el("span", null, { class: "badge" });
  #isOpen = false;

  constructor(actions: ViewActions) {
    const closing = icon("down");
    closing.classList.add("closing");
    this.node = el("button", "launcher", { type: "button" }, icon("chat", true), closing, this.#name, this.#news, this.#badge);
    this.node.addEventListener("click", () => (this.#isOpen ? actions.close() : actions.open()));
  }

  render({ open, unread, launcherVisible, config }: ViewState): void {
    this.#isOpen = open;
    const label = config.launcherLabel ?? "";
    const count = open ? 0 : unread;
    show(this.node, launcherVisible);
    set(this.node, "aria-expanded", String(open));
    set(this.#name, "class", label === "" || open ? "sr" : null);
    setText(this.#name, open ? t.close : label || t.open);
    show(this.#news, count > 0);
    setText(this.#badge, count > MOST ? `${MOST}+` : String(count));
    show(this.#badge, count > 0);
  }
}
