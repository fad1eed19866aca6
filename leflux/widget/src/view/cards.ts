// What the agent does on the page, and what it asks before it goes on.

import type { Confirmation, TaskProgress, ViewActions, ViewState } from "../types.js";
import { el, set, setText, show, textButton } from "./dom.js";
import { fill, t } from "./texts.js";

export class Cards {
  readonly node = el("div", null, { class: "cards" });
  private readonly description = el("p", null, { dir: "auto" });
  private readonly bar = el("progress", null);
  private readonly count = el("span", null, { class: "count" });
  private readonly progress: HTMLElement;
  private asked: Confirmation | null = null;
  private question: HTMLElement | null = null;

  constructor(private readonly actions: ViewActions) {
    const cancel = textButton(null, "text", t.cancel, () => actions.cancelTask());
    this.progress = el("div", null, { class: "card progress" }, this.description, this.bar, this.count, cancel);
    show(this.progress, false);
    this.node.append(this.progress);
  }

  render({ task, confirmation }: ViewState): void {
    show(this.progress, task !== null);
    if (task !== null) this.advance(task);
    if (this.asked?.actionId === confirmation?.actionId && this.asked?.taskId === confirmation?.taskId) return;
    this.asked = confirmation;
    this.question?.remove();
    this.question = confirmation === null ? null : this.ask(confirmation);
    if (this.question !== null) this.node.append(this.question);
  }

  private advance({ done, total, description, status }: TaskProgress): void {
    setText(this.description, status === "held" ? t.held : description);
    set(this.bar, "max", String(Math.max(total, 1)));
    set(this.bar, "value", String(done));
    set(this.bar, "aria-label", description || t.held);
    setText(this.count, fill(t.progress, { done, total }));
  }

  private ask({ message, confirmLabel, cancelLabel }: Confirmation): HTMLElement {
    return el(
      "div",
      null,
      { class: "card", role: "alertdialog", "aria-labelledby": "ask" },
      el("p", null, { id: "ask", dir: "auto" }, message),
      textButton(null, "solid", confirmLabel, () => this.actions.confirm(true)),
      textButton(null, "plain", cancelLabel || t.cancel, () => this.actions.confirm(false)),
    );
  }
}
