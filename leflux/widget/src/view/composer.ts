// Where the visitor writes. What is typed stays until it is sent or taken away by the visitor.

import * as t from "#texts";
import type { ViewActions, ViewState } from "../types.js";
import { button, el, icon, set, setAll, setText, show } from "./dom.js";
import { fill } from "./texts.js";

export class Composer {
  readonly node: HTMLElement;
  readonly input = el("textarea", "input", { rows: "1", dir: "auto", enterkeyhint: "send", autocomplete: "off" });
  readonly #over = el("p", null, { class: "over", id: "over", role: "status" });
  /** Holds a copy of the text, which makes the field as tall as its text without measuring it. */
  readonly #field = el("div", null, { class: "field" }, this.input);
  readonly #send: HTMLButtonElement;
  #maxChars = Infinity;
  #isReadOnly = false;
  #hadFocus = false;

  readonly #actions: ViewActions;

  constructor(actions: ViewActions) {
    this.#actions = actions;
    this.#send = button("send", t.send, icon("send", true), () => this.#submit());
    this.node = el("div", null, { class: "composer" }, this.#over, this.#field, this.#send);
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("keydown", (event) => this.#pressed(event));
    this.#typed();
  }

  render({ config, maxChars, readOnly }: ViewState): void {
    const placeholder = config.placeholder ?? t.input;
    setAll(this.input, { placeholder, "aria-label": placeholder });
    if (this.#maxChars !== maxChars) {
      this.#maxChars = maxChars;
      this.#typed();
    }
    if (this.#isReadOnly !== readOnly) this.#lock(readOnly);
  }

  /** A field that is disabled loses the focus, so it gets it back afterwards. */
  #lock(readOnly: boolean): void {
    const { activeElement } = this.input.getRootNode() as ShadowRoot;
    if (readOnly) this.#hadFocus = activeElement === this.input;
    this.#isReadOnly = readOnly;
    this.input.disabled = readOnly;
    this.#send.disabled = readOnly;
    if (!readOnly && this.#hadFocus && activeElement === null) this.input.focus();
  }

  get text(): string {
    return this.input.value;
  }

  set text(text: string) {
    this.input.value = text;
    this.#typed();
  }

  #typed(): void {
    const { value } = this.input;
    set(this.#field, "data-text", value);
    set(this.node, "data-empty", value.trim() === "" ? "" : null);
    const surplus = this.#surplus(value);
    show(this.#over, surplus > 0);
    setText(this.#over, surplus > 0 ? fill(t.over, { count: surplus }) : "");
    const isLong = surplus > 0;
    setAll(this.input, { "aria-invalid": isLong ? "true" : null, "aria-describedby": isLong ? "over" : null });
  }

  /** By how many characters (not UTF-16 units: the server counts characters) the text is too long. */
  #surplus(text: string): number {
    return text.length <= this.#maxChars ? 0 : Math.max(0, [...text].length - this.#maxChars);
  }

  #pressed(event: KeyboardEvent): void {
    // Enter also accepts what an input method proposes.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit(): void {
    const text = this.text.trim();
    if (this.#isReadOnly || text === "" || this.#surplus(text) > 0) return this.input.focus();
    this.text = "";
    this.input.focus();
    this.#actions.send(text);
  }
}
