// Cards for the progress of a task and its open question.

import * as t from "#texts";
import type { Confirmation, TaskProgress, ViewActions, ViewState } from "../types.js";
import { el, setAll, setText, show, textButton } from "./dom.js";
import { fill } from "./texts.js";

export class TaskCards {
  readonly node = el("div", null, { class: "cards" });
  readonly #description = el("p", null, { dir: "auto" });
  readonly #bar = el("progress", null);
  readonly #count = el("span", null, { class: "count" });
  readonly #progress: HTMLElement;
  #asked: Confirmation | null = null;
  #question: HTMLElement | null = null;

  readonly #actions: ViewActions;

  constructor(actions: ViewActions) {
    this.#actions = actions;
    const cancel = textButton(null, "text", t.cancel, () => actions.cancelTask());
    this.#progress = el("div", null, { class: "card progress" }, this.#description, this.#bar, this.#count, cancel);
    show(this.#progress, false);
    this.node.append(this.#progress);
  }

  render({ task, confirmation }: ViewState): void {
    show(this.#progress, task !== null);
    if (task !== null) this.#advance(task);
    if (this.#asked?.actionId === confirmation?.actionId && this.#asked?.taskId === confirmation?.taskId) return;
    this.#asked = confirmation;
    this.#question?.remove();
    this.#question = confirmation === null ? null : this.#ask(confirmation);
    if (this.#question !== null) this.node.append(this.#question);
  }

  #advance({ done, total, description, status }: TaskProgress): void {
    setText(this.#description, status === "held" ? t.held : description);
    setAll(this.#bar, { max: String(Math.max(total, 1)), value: String(done), "aria-label": description || t.held });
    setText(this.#count, fill(t.progress, { done, total }));
  }

  #ask({ message, confirmLabel, cancelLabel }: Confirmation): HTMLElement {
    return el(
      "div",
      null,
      { class: "card", role: "group", "aria-labelledby": "ask" },
      el("p", null, { id: "ask", dir: "auto" }, message),
      textButton(null, "solid", confirmLabel, () => this.#actions.confirm(true)),
      textButton(null, "plain", cancelLabel || t.cancel, () => this.#actions.confirm(false)),
    );
  }
}
