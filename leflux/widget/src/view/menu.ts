// The panel's menu: opened by its button, from the keyboard, or by a long press on the header.

import * as t from "#texts";
import type { ViewActions } from "../types.js";
import { button, el, icon, set, show, textButton } from "./dom.js";

const LONG_PRESS_MS = 500;
/** A pointer that moves further than this, in pixels, cancels a long press. */
const TREMBLE = 10;

export class Menu {
  readonly button: HTMLButtonElement;
  readonly node: HTMLElement;
  readonly #choices: HTMLElement;
  readonly #question: HTMLElement;
  readonly #known = el("div", "page-known", { class: "question", tabindex: "-1", dir: "auto" });
  readonly #actions: ViewActions;
  #pressing: ReturnType<typeof setTimeout> | undefined;

  constructor(actions: ViewActions) {
    this.#actions = actions;
    this.button = button(null, t.menu, icon("more"), () => this.show(!this.isOpen));
    set(this.button, "aria-controls", "menu");
    const then = (act: () => void) => () => {
      this.show(false);
      act();
    };
    this.#choices = el(
      "div",
      null,
      {},
      choice("clear", t.clear, t.clearSays, then(() => actions.clear())),
      choice("forget", t.forget, t.forgetSays, () => this.#ask(true)),
      textButton("page", "item", t.pageKnown, () => void this.#tell()),
    );
    this.#question = el(
      "div",
      null,
      { class: "question" },
      el("p", null, {}, t.forgetAsk),
      textButton(null, "solid danger", t.yes, then(() => actions.forget())),
      textButton(null, "plain", t.no, () => this.show(false)),
    );
    this.node = el("div", null, { class: "menu", id: "menu", role: "group", "aria-label": t.menu });
    this.node.append(this.#choices, this.#question, this.#known);
    this.show(false, false);
  }

  get isOpen(): boolean {
    return !this.node.hidden;
  }

  show(open: boolean, focus = true): void {
    show(this.node, open);
    set(this.button, "aria-expanded", String(open));
    this.#ask(false, open && focus);
    if (!open && focus) this.button.focus();
  }

  #ask(isSure: boolean, focus = isSure): void {
    show(this.#choices, !isSure);
    show(this.#known, false);
    show(this.#question, isSure);
    // Focus the answer that erases nothing.
    const target = isSure ? this.#question.lastElementChild : this.#choices.querySelector("button");
    if (focus) (target as HTMLElement).focus();
  }

  /** Shows exactly what is sent of the page. */
  async #tell(): Promise<void> {
    const known = await this.#actions.pageKnown();
    if (!this.isOpen) return;
    show(this.#choices, false);
    show(this.#known, true);
    const says = known === null ? t.pageNothing : known.isSent ? t.pageSent : t.pageNext;
    this.#known.replaceChildren(el("p", null, {}, says), ...(known === null ? [] : [el("pre", null, { dir: "ltr" }, known.text)]));
    this.#known.focus();
  }

  /** Opens the menu on a long press on the header. */
  openOnLongPress(header: HTMLElement): void {
    let from = { x: 0, y: 0 };
    const stop = (): void => clearTimeout(this.#pressing);
    header.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || (event.target as Element).closest("button") !== null) return;
      from = { x: event.clientX, y: event.clientY };
      stop();
      this.#pressing = setTimeout(() => this.show(true), LONG_PRESS_MS);
    });
    header.addEventListener("pointermove", (event) => {
      if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > TREMBLE) stop();
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) header.addEventListener(name, stop);
    // Suppress the browser's context menu on a long touch.
    header.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  destroy(): void {
    clearTimeout(this.#pressing);
  }
}

/** A choice with what it does below it. */
function choice(name: "clear" | "forget", label: string, does: string, act: () => void): HTMLElement {
  const button = textButton(name, `${name} item`, label, act);
  set(button, "aria-describedby", `${name}-does`);
  return el("div", null, {}, button, el("p", null, { class: "does", id: `${name}-does` }, does));
}
