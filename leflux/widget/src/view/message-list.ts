// The list of messages: keyed, so that what stays on the screen is never made again.

import * as t from "#texts";
import type { ShownMessage, ViewActions, ViewState } from "../types.js";
import { Dates, dayOf } from "./dates.js";
import { el, set, setText, show } from "./dom.js";
import { Row } from "./row.js";

/** One author's messages belong together while they are less than this apart. */
const GROUP_MS = 300_000;
/** The reader is at the bottom as long as no more than this is hidden below, in CSS pixels. */
const NEAR = 48;
/** What is painted at once, at most; the rest, and the times of day, which are slow to get at first, follow after this time. */
const BRIEF = 15;
const BRIEF_MS = 40;
/** Of the window, in CSS pixels, what is no message. */
const FRAME = 120;
/** The least that a message takes, and each of its lines after the first, which hold no more letters than this. */
const ROW = 42;
const LINE = 22;
const LETTERS = 60;

export class Transcript {
  readonly node = el("div", "messages", { role: "log", tabindex: "0", "aria-live": "off" });
  readonly newer: HTMLButtonElement;
  readonly #greeting = el("div", null, { class: "greeting", dir: "auto" });
  readonly #typing = el("div", null, { class: "typing", role: "img", "aria-label": t.typing });
  readonly #rows = new Map<string, Row>();
  readonly #list = el("div", null, { class: "list" });
  /** Follows what grows, and a panel that changes its height, in the frame in which they do. */
  readonly #sizes = new ResizeObserver(() => this.#isAtBottom && this.#toBottom());
  #dates: Dates | null = null;
  #latest: ViewState | null = null;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #isAtBottom = true;

  readonly #actions: ViewActions;

  constructor(actions: ViewActions) {
    this.#actions = actions;
    this.#typing.append(el("i", null), el("i", null), el("i", null));
    this.newer = el("button", null, { type: "button", class: "newer" }, t.newer);
    show(this.newer, false);
    this.newer.addEventListener("click", () => this.#toBottom());
    this.node.append(this.#list);
    this.#sizes.observe(this.node);
    this.#sizes.observe(this.#list);
    this.node.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** The replies that were finished by this render. */
  render(state: ViewState, wasOpen: boolean): ShownMessage[] {
    const before = this.#latest;
    this.#latest = state;
    set(this.node, "aria-label", state.config.title ?? t.title);
    setText(this.#greeting, state.config.greeting ?? t.greeting);
    if (before === null && newest(state.messages) < state.messages.length) {
      this.#rest = setTimeout(() => this.#complete(), BRIEF_MS);
    }
    if (before?.locale !== state.locale) this.#dates = null;
    this.#arrange(state);
    if (before === null) return [];
    const known = new Map(before.messages.map((message) => [message.key, message]));
    this.#settle(state, known, wasOpen);
    return state.messages.filter((message) => isFinished(message, known.get(message.key)));
  }

  spoken(message: ShownMessage): string {
    return this.#rows.get(message.key)?.spoken() ?? "";
  }

  #complete(): void {
    this.#rest = undefined;
    this.#arrange(this.#latest!);
  }

  #arrange({ messages: all, locale, typing }: ViewState): void {
    const isBrief = this.#rest !== undefined;
    const messages = isBrief ? all.slice(-newest(all)) : all;
    if (!isBrief) this.#dates ??= new Dates(locale);
    const nodes: Node[] = isBrief ? [] : [this.#greeting];
    const keys = new Set<string>();
    messages.forEach((message, index) => {
      const row = this.#rowOf(message);
      keys.add(message.key);
      const previous = messages[index - 1];
      const divider = this.#divider(message, row, previous);
      if (divider !== null) nodes.push(divider);
      const first = divider !== null || !together(previous, message);
      row.render(message, first, !together(message, messages[index + 1]), this.#dates);
      nodes.push(row.node);
    });
    for (const key of this.#rows.keys()) if (!keys.has(key)) this.#rows.delete(key);
    if (typing) nodes.push(this.#typing);
    this.#draw(nodes);
  }

  #rowOf(message: ShownMessage): Row {
    let row = this.#rows.get(message.key);
    if (row === undefined) {
      row = new Row(this.#actions);
      this.#rows.set(message.key, row);
    }
    if (row.message?.ts !== message.ts) row.day = dayOf(message.ts);
    return row;
  }

  /** A line above the message: where an earlier conversation begins or ends, or a day begins. */
  #divider(message: ShownMessage, row: Row, before: ShownMessage | undefined): Node | null {
    const isEarlier = message.past === true && before === undefined;
    const isCurrent = message.past !== true && before?.past === true;
    const isNewDay = before === undefined || isCurrent || this.#rows.get(before.key)?.day !== row.day;
    if (!isNewDay && !isEarlier) return null;
    const day = this.#dates?.day(message.ts) ?? "";
    setText(row.divider.firstElementChild!, isEarlier ? `${t.earlier} · ${day}` : day);
    return row.divider;
  }

  /** Touches only what has to come, go or move. */
  #draw(nodes: Node[]): void {
    const keep = new Set(nodes);
    for (const child of [...this.#list.childNodes]) if (!keep.has(child)) child.remove();
    let place = this.#list.firstChild;
    for (const node of nodes) {
      if (node === place) place = place.nextSibling;
      else this.#list.insertBefore(node, place);
    }
  }

  #settle(state: ViewState, known: Map<string, ShownMessage>, wasOpen: boolean): void {
    const newest = state.messages.at(-1);
    if (newest === undefined || known.has(newest.key)) return;
    if (newest.role === "visitor" && newest.status === "sending") this.#toBottom();
    else if (!this.#isAtBottom && wasOpen) show(this.newer, true);
  }

  #toBottom(): void {
    this.#isAtBottom = true;
    show(this.newer, false);
    this.node.scrollTop = this.node.scrollHeight;
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    // Hidden, it has no height, and what it says about itself means nothing.
    if (clientHeight === 0) return;
    this.#isAtBottom = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#isAtBottom) show(this.newer, false);
  }

  destroy(): void {
    clearTimeout(this.#rest);
    this.#sizes.disconnect();
  }
}

/** How many of the newest fill the window, even where each takes the least that it can. */
function newest(messages: readonly ShownMessage[]): number {
  // The inner height would have the page laid out at once.
  let room = outerHeight - FRAME;
  let count = 0;
  for (const { text } of messages.slice(-BRIEF).reverse()) {
    if (room > 0) count += 1;
    room -= ROW + LINE * Math.floor(text.length / LETTERS);
  }
  return count;
}

function isFinished(message: ShownMessage, before: ShownMessage | undefined): boolean {
  if (message.role === "visitor" || message.streaming || message.past) return false;
  return before === undefined || before.streaming === true;
}

function together(a: ShownMessage | undefined, b: ShownMessage | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.role === b.role && !!a.past === !!b.past && b.ts - a.ts < GROUP_MS;
}
