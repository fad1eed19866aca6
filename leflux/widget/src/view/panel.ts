// The panel: header, notice, messages, task cards, chips and input.

import * as t from "#texts";
import type { More } from "../more-part.js";
import type { Load } from "../part-loader.js";
import type { ViewActions, ViewState } from "../types.js";
import { Composer } from "./composer.js";
import { button, el, icon, set, setAll, setText, show, textButton } from "./dom.js";
import { Menu } from "./menu.js";
import { MessageList } from "./message-list.js";
import { TaskCards } from "./task-cards.js";
import { fill } from "./texts.js";

const MOST_CHIPS = 6;
/** The most replies in the live region, which screen readers announce. */
const SPOKEN = 3;

export class Panel {
  readonly node = el("section", "panel", { role: "dialog", "aria-labelledby": "title" });
  readonly composer: Composer;
  readonly #menu: Menu;
  readonly #transcript: MessageList;
  readonly #cards: TaskCards;
  readonly #title = el("h2", null, { id: "title" });
  readonly #subtitle = el("p", null);
  readonly #dock: HTMLButtonElement;
  readonly #notice = el("div", "notice", { role: "status" });
  readonly #removed = el("span", null);
  readonly #undo: HTMLElement;
  readonly #chips = el("div", null, { class: "chips" });
  readonly #live = el("div", null, { class: "sr", "aria-live": "polite" });
  #shownChips = "";
  #state: ViewState | null = null;

  readonly #actions: ViewActions;

  constructor(actions: ViewActions, more: Load<More>) {
    this.#actions = actions;
    this.composer = new Composer(actions);
    this.#menu = new Menu(actions);
    this.#transcript = new MessageList(actions, more);
    this.#cards = new TaskCards(actions);
    this.#dock = button("dock", t.dock, icon("dock"), () => (this.#state?.docked ? actions.undock() : actions.dock()));
    const undo = textButton("undo", "text", t.undo, () => actions.undo());
    this.#undo = el("div", "removed", { class: "removed notice" }, this.#removed, undo);
    show(this.#undo, false);
    this.node.append(
      this.#header(),
      this.#menu.node,
      this.#notice,
      this.#undo,
      this.#transcript.node,
      this.#transcript.newer,
      this.#cards.node,
      this.#chips,
      this.composer.node,
      this.#live,
    );
    this.node.addEventListener("keydown", (event) => this.#onKey(event));
    this.node.addEventListener("pointerdown", (event) => this.#onPointer(event));
  }

  #header(): HTMLElement {
    const names = el("div", null, { class: "names" }, this.#title, this.#subtitle);
    const mark = el("div", null, { class: "mark" }, icon("chat", true));
    const close = button("close", t.close, icon("close"), () => this.#actions.close());
    // Not a <header>: it would be a second banner landmark of the page.
    const header = el("div", "header", {}, mark, names, this.#dock, this.#menu.button, close);
    this.#menu.openOnLongPress(header);
    return header;
  }

  render(state: ViewState): void {
    const before = this.#state;
    this.#state = state;
    show(this.node, state.open);
    if (!state.open && this.#menu.isOpen) this.#menu.show(false, false);
    this.#renderHeader(state);
    this.#renderChips(state);
    this.composer.render(state);
    this.#cards.render(state);
    const finished = this.#transcript.render(state, before?.open === true);
    if (before === null) return;
    // A cleared conversation must leave no text, not even in the live region.
    if (!state.messages.length) this.#live.replaceChildren();
    this.#renderRemoval(state, before);
    if (state.open && finished.length > 0) this.#announce(this.#transcript.spoken(finished.at(-1)!));
    const { confirmation } = state;
    if (state.open && confirmation !== null && confirmation.actionId !== before.confirmation?.actionId) {
      this.#announce(confirmation.message);
    }
  }

  /** What was just removed, with the way back, which gets the focus from the menu. */
  #renderRemoval({ open, removal }: ViewState, before: ViewState): void {
    const text = removal === "clear" ? t.cleared : t.forgotten;
    if (removal !== null) setText(this.#removed, text);
    const hadFocus = (this.node.getRootNode() as ShadowRoot).activeElement === this.#menu.button;
    show(this.#undo, removal !== null);
    if (!open || removal === null || before.removal === removal) return;
    this.#announce(`${text} ${t.undo}`);
    if (hadFocus) (this.#undo.lastElementChild as HTMLElement).focus();
  }

  #renderHeader({ config, docked, notice, person }: ViewState): void {
    setText(this.#title, config.title ?? t.title);
    setText(this.#subtitle, person === null ? (config.subtitle ?? t.subtitle) : fill(t.joined, { name: person }));
    const name = docked ? t.undock : t.dock;
    setAll(this.#dock, { "aria-label": name, title: name });
    show(this.#notice, notice !== null);
    set(this.#notice, "data-kind", notice);
    setText(this.#notice, notice === null ? "" : t.notices[notice]);
  }

  /** Suggestions, until the visitor has sent a message. */
  #renderChips({ config, messages, readOnly }: ViewState): void {
    const chips = (config.chips ?? []).slice(0, MOST_CHIPS);
    const hasSpoken = messages.some(({ role, past }) => role === "visitor" && !past);
    show(this.#chips, !readOnly && !hasSpoken && chips.length > 0);
    const shown = chips.join("\n");
    if (this.#shownChips === shown) return;
    this.#shownChips = shown;
    this.#chips.replaceChildren(
      ...chips.map((text) =>
        textButton(null, "chip", text, () => {
          this.composer.input.focus();
          this.#actions.send(text);
        }),
      ),
    );
  }

  /** Announces a completed reply. The list itself is not live: a screen reader would read each chunk. */
  #announce(text: string): void {
    this.#live.append(el("p", null, {}, text));
    if (this.#live.childElementCount > SPOKEN) this.#live.firstElementChild!.remove();
  }

  #onKey(event: KeyboardEvent): void {
    this.#actions.used();
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    if (this.#menu.isOpen) this.#menu.show(false);
    else if (this.#state?.writing === true) this.#actions.stop();
    else this.#actions.close();
  }

  #onPointer(event: Event): void {
    this.#actions.used();
    const path = event.composedPath();
    if (this.#menu.isOpen && !path.includes(this.#menu.node) && !path.includes(this.#menu.button)) {
      this.#menu.show(false, false);
    }
  }

  /** The page has removed the panel, and it is back. */
  returned(): void {
    this.#transcript.returned();
  }

  destroy(): void {
    this.#menu.destroy();
    this.#transcript.destroy();
  }
}
