// The panel and what it consists of.

import * as t from "#texts";
import type { ViewActions, ViewState } from "../types.js";
import { Cards } from "./cards.js";
import { Composer } from "./composer.js";
import { button, el, icon, set, setAll, setText, show, textButton } from "./dom.js";
import { Menu } from "./menu.js";
import { Transcript } from "./transcript.js";

const MOST_CHIPS = 6;
/** Replies that are still in the live region; a screen reader reads what is added. */
const SPOKEN = 3;

export class Panel {
  readonly node = el("section", "panel", { role: "dialog", "aria-labelledby": "title" });
  readonly composer: Composer;
  readonly #menu: Menu;
  readonly #transcript: Transcript;
  readonly #cards: Cards;
  readonly #title = el("h2", null, { id: "title" });
  readonly #subtitle = el("p", null);
  readonly #dock: HTMLButtonElement;
  readonly #notice = el("div", "notice", { role: "status" });
  readonly #chips = el("div", null, { class: "chips" });
  readonly #live = el("div", null, { class: "sr", "aria-live": "polite" });
  #shownChips = "";
  #state: ViewState | null = null;

  readonly #actions: ViewActions;

  constructor(actions: ViewActions) {
    this.#actions = actions;
    this.composer = new Composer(actions);
    this.#menu = new Menu(actions);
    this.#transcript = new Transcript(actions);
    this.#cards = new Cards(actions);
    this.#dock = button("dock", t.dock, icon("dock"), () => (this.#state?.docked ? actions.undock() : actions.dock()));
    this.node.append(
      this.#header(),
      this.#menu.node,
      this.#notice,
      this.#transcript.node,
      this.#transcript.newer,
      this.#cards.node,
      this.#chips,
      this.composer.node,
      this.#live,
    );
    this.node.addEventListener("keydown", (event) => this.#pressed(event));
    this.node.addEventListener("pointerdown", (event) => this.#pointed(event));
  }

  #header(): HTMLElement {
    const names = el("div", null, { class: "names" }, this.#title, this.#subtitle);
    const mark = el("div", null, { class: "mark" }, icon("chat", true));
    const close = button("close", t.close, icon("close"), () => this.#actions.close());
    // No <header>: a page has one banner, its own.
    const header = el("div", "header", {}, mark, names, this.#dock, this.#menu.button, close);
    this.#menu.holdOn(header);
    return header;
  }

  render(state: ViewState): void {
    const before = this.#state;
    this.#state = state;
    show(this.node, state.open);
    if (!state.open && this.#menu.isOpen) this.#menu.show(false, false);
    this.#label(state);
    this.#offer(state);
    this.composer.render(state);
    this.#cards.render(state);
    const finished = this.#transcript.render(state, before?.open === true);
    if (before === null) return;
    // Nothing of a conversation that was forgotten stays, not even what was read out.
    if (!state.messages.length) this.#live.replaceChildren();
    if (state.open && finished.length > 0) this.#say(this.#transcript.spoken(finished.at(-1)!));
    const { confirmation } = state;
    if (state.open && confirmation !== null && confirmation.actionId !== before.confirmation?.actionId) {
      this.#say(confirmation.message);
    }
  }

  #label({ config, docked, notice }: ViewState): void {
    setText(this.#title, config.title ?? t.title);
    setText(this.#subtitle, config.subtitle ?? t.subtitle);
    const name = docked ? t.undock : t.dock;
    setAll(this.#dock, { "aria-label": name, title: name });
    show(this.#notice, notice !== null);
    set(this.#notice, "data-kind", notice);
    setText(this.#notice, notice === null ? "" : t.notices[notice]);
  }

  /** The first things to say, until the visitor has said something. */
  #offer({ config, messages, readOnly }: ViewState): void {
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

  /** Once a reply, when it is finished; the list itself is silent, for its chunks would be read one by one. */
  #say(text: string): void {
    this.#live.append(el("p", null, {}, text));
    if (this.#live.childElementCount > SPOKEN) this.#live.firstElementChild!.remove();
  }

  #pressed(event: KeyboardEvent): void {
    this.#actions.used();
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    if (this.#menu.isOpen) this.#menu.show(false);
    else this.#actions.close();
  }

  #pointed(event: Event): void {
    this.#actions.used();
    const path = event.composedPath();
    if (this.#menu.isOpen && !path.includes(this.#menu.node) && !path.includes(this.#menu.button)) {
      this.#menu.show(false, false);
    }
  }

  destroy(): void {
    this.#menu.destroy();
    this.#transcript.destroy();
  }
}
