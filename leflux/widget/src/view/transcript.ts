// The list of messages: keyed, so that what stays on the screen is never made again.

import type { ShownMessage, ViewActions, ViewState } from "../types.js";
import { Dates, dayOf } from "./dates.js";
import { el, set, setText, show } from "./dom.js";
import { Row } from "./row.js";
import { t } from "./texts.js";

/** One author's messages belong together while they are less than this apart. */
const GROUP_MS = 300_000;
/** The reader is at the bottom as long as no more than this is hidden below, in CSS pixels. */
const NEAR = 48;

export class Transcript {
  readonly node = el("div", "messages", { role: "log", tabindex: "0", "aria-live": "off" });
  readonly newer: HTMLButtonElement;
  private readonly greeting = el("div", null, { class: "greeting", dir: "auto" });
  private readonly typing = el("div", null, { class: "typing", role: "img", "aria-label": t.typing });
  private readonly rows = new Map<string, Row>();
  private dates: Dates | null = null;
  private locale = "";
  private isAtBottom = true;
  private changes = false;

  constructor(private readonly actions: ViewActions) {
    this.typing.append(el("i", null), el("i", null), el("i", null));
    this.newer = el("button", null, { type: "button", class: "newer" }, t.newer);
    show(this.newer, false);
    this.newer.addEventListener("click", () => this.toBottom());
    this.node.addEventListener("scroll", () => this.scrolled(), { passive: true });
  }

  /** The replies that were finished by this render. */
  render(state: ViewState, wasOpen: boolean): Row[] {
    if (this.dates === null || this.locale !== state.locale) {
      this.locale = state.locale;
      this.dates = new Dates(state.locale);
    }
    set(this.node, "aria-label", state.config.title ?? t.title);
    setText(this.greeting, state.config.greeting ?? t.greeting);
    const known = new Map([...this.rows.values()].map((row) => [row.message!.key, row.message!]));
    const hasChanged = this.draw(this.arrange(state, this.dates));
    this.settle(state, known, hasChanged, wasOpen);
    return this.finished(state, known);
  }

  private arrange(state: ViewState, dates: Dates): Node[] {
    const nodes: Node[] = [this.greeting];
    const keys = new Set<string>();
    this.changes = false;
    const { messages } = state;
    messages.forEach((message, index) => {
      const row = this.rowOf(message);
      keys.add(message.key);
      const previous = messages[index - 1];
      const divider = this.divider(message, row, previous, dates);
      if (divider !== null) nodes.push(divider);
      const first = divider !== null || !together(previous, message);
      const last = !together(message, messages[index + 1]);
      this.changes = row.render(message, first, last, dates) || this.changes;
      nodes.push(row.node);
    });
    for (const key of this.rows.keys()) if (!keys.has(key)) this.rows.delete(key);
    if (state.typing) nodes.push(this.typing);
    return nodes;
  }

  private rowOf(message: ShownMessage): Row {
    let row = this.rows.get(message.key);
    if (row === undefined) {
      row = new Row(this.actions);
      this.rows.set(message.key, row);
    }
    if (row.message?.ts !== message.ts) row.day = dayOf(message.ts);
    return row;
  }

  /** A line above the message: where an earlier conversation begins or ends, or a day begins. */
  private divider(message: ShownMessage, row: Row, before: ShownMessage | undefined, dates: Dates): Node | null {
    const isEarlier = message.past === true && before === undefined;
    const isCurrent = message.past !== true && before?.past === true;
    const isNewDay = before === undefined || isCurrent || this.rows.get(before.key)?.day !== row.day;
    if (!isNewDay && !isEarlier) return null;
    const day = dates.day(message.ts);
    setText(row.divider.firstElementChild!, isEarlier ? `${t.earlier} · ${day}` : day);
    return row.divider;
  }

  /** Touches only what has to come, go or move. */
  private draw(nodes: Node[]): boolean {
    const keep = new Set(nodes);
    let hasChanged = this.changes;
    for (const child of [...this.node.childNodes]) {
      if (keep.has(child)) continue;
      child.remove();
      hasChanged = true;
    }
    if (this.node.firstChild === null) {
      const fragment = document.createDocumentFragment();
      fragment.append(...nodes);
      this.node.append(fragment);
      return true;
    }
    let place: ChildNode | null = this.node.firstChild;
    for (const node of nodes) {
      if (node === place) {
        place = place.nextSibling;
        continue;
      }
      this.node.insertBefore(node, place);
      hasChanged = true;
    }
    return hasChanged;
  }

  private settle(state: ViewState, known: Map<string, ShownMessage>, hasChanged: boolean, wasOpen: boolean): void {
    if (!state.open) return;
    const newest = state.messages.at(-1);
    const isNew = newest !== undefined && !known.has(newest.key);
    const isOwn = isNew && newest.role === "visitor" && newest.status === "sending";
    if (this.isAtBottom || isOwn) {
      if (hasChanged || !wasOpen) this.toBottom();
    } else if (isNew && wasOpen) {
      show(this.newer, true);
    }
  }

  private toBottom(): void {
    this.isAtBottom = true;
    show(this.newer, false);
    this.node.scrollTop = this.node.scrollHeight;
  }

  private scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    // Hidden, it has no height, and what it says about itself means nothing.
    if (clientHeight === 0) return;
    this.isAtBottom = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.isAtBottom) show(this.newer, false);
  }

  private finished({ messages }: ViewState, known: Map<string, ShownMessage>): Row[] {
    return messages
      .filter((message) => {
        if (message.role === "visitor" || message.streaming || message.past) return false;
        const before = known.get(message.key);
        return before === undefined || before.streaming === true;
      })
      .map((message) => this.rows.get(message.key)!);
  }
}

function together(a: ShownMessage | undefined, b: ShownMessage | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.role === b.role && !!a.past === !!b.past && b.ts - a.ts < GROUP_MS;
}
