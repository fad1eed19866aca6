// The button that opens the chat, with the count of what has not been read.

import type { ViewActions, ViewState } from "../types.js";
import { el, icon, set, setText, show } from "./dom.js";
import { t } from "./texts.js";

const MOST = 99;

export class Launcher {
  readonly node: HTMLButtonElement;
  private readonly label = el("span", null, { class: "label" });
  private readonly badge = el("span", null, { class: "badge", "aria-hidden": "true" });
  private isOpen = false;

  constructor(actions: ViewActions) {
    const closing = icon("down");
    closing.classList.add("closing");
    this.node = el("button", "launcher", { type: "button" }, icon("chat", true), closing, this.label, this.badge);
    this.node.addEventListener("click", () => (this.isOpen ? actions.close() : actions.open()));
  }

  render({ open, unread, launcherVisible, config }: ViewState): void {
    this.isOpen = open;
    const label = config.launcherLabel ?? "";
    const count = open ? 0 : unread;
    const name = open ? t.close : label || t.open;
    show(this.node, launcherVisible);
    set(this.node, "aria-expanded", String(open));
    set(this.node, "aria-label", count > 0 ? `${name}. ${t.newer}: ${count}` : name);
    setText(this.label, label);
    show(this.label, label !== "" && !open);
    setText(this.badge, count > MOST ? `${MOST}+` : String(count));
    show(this.badge, count > 0);
  }
}
