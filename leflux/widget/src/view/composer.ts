// The input of the visitor's messages.

import * as t from "#texts";
import { countChars } from "../text.js";
import type { ViewActions, ViewState } from "../types.js";
import { button, el, icon, set, setAll, setText, show } from "./dom.js";
import { fill } from "./texts.js";

const COMPOSING = 229;

export class Composer {
  readonly node: HTMLElement;
  readonly input = el("textarea", "input", { rows: "1", dir: "auto", enterkeyhint: "send", autocomplete: "off" });
  readonly #over = el("p", null, { class: "over", id: "over", role: "status" });
  /** Contains a hidden copy of the text, so that CSS gives the field the height of its text. */
  readonly #field = el("div", null, { class: "field" }, this.input);
  readonly #stop: HTMLButtonElement;
  #maxChars = Infinity;

  readonly #actions: ViewActions;

  constructor(actions: ViewActions) {
    this.#actions = actions;
    const send = button("send", t.send, icon("send", true), () => this.#submit());
    this.#stop = button("stop", t.stop, icon("stop", true), () => actions.stop());
    this.node = el("div", null, { class: "composer" }, this.#over, this.#field, this.#stop, send);
    this.input.addEventListener("input", () => this.#onInput());
    this.input.addEventListener("keydown", (event) => this.#onKey(event));
    this.#onInput();
  }

  render({ config, maxChars, readOnly, writing }: ViewState): void {
    show(this.#stop, writing && !readOnly);
    const placeholder = config.placeholder ?? t.input;
    setAll(this.input, { placeholder, "aria-label": placeholder });
    if (this.#maxChars !== maxChars) {
      this.#maxChars = maxChars;
      this.#onInput();
    }
    // Not `disabled`: the field keeps the focus, and Enter queues what is written.
    setAll(this.input, { readonly: readOnly ? "" : null, "aria-disabled": readOnly ? "true" : null });
  }

  get text(): string {
    return this.input.value;
  }

  set text(text: string) {
    this.input.value = text;
    this.#onInput();
  }

  #onInput(): void {
    const { value } = this.input;
    set(this.#field, "data-text", value);
    set(this.node, "data-empty", value.trim() === "" ? "" : null);
    const surplus = this.#surplus(value);
    show(this.#over, surplus > 0);
    setText(this.#over, surplus > 0 ? fill(t.over, { count: surplus }) : "");
    const isLong = surplus > 0;
    setAll(this.input, { "aria-invalid": isLong ? "true" : null, "aria-describedby": isLong ? "over" : null });
  }

  /** The number of characters over the limit. */
  #surplus(text: string): number {
    return Math.max(0, countChars(text) - this.#maxChars);
  }

  #onKey(event: KeyboardEvent): void {
    // Enter also accepts the suggestion of an input method. Safari sends it after the composition has ended, with this code.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    this.#submit();
  }

  #submit(): void {
    const text = this.text.trim();
    this.input.focus();
    if (text !== "" && this.#surplus(text) === 0 && this.#actions.send(text)) this.text = "";
  }
}
