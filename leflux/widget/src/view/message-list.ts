// The list of messages. Rows are keyed, so an unchanged row keeps its element.

import * as t from "#texts";
import type { More } from "../more-part.js";
import type { Load } from "../part-loader.js";
import type { ShownMessage, ViewActions, ViewState } from "../types.js";
import { Dates, dayOf } from "./dates.js";
import { el, set, setText, show, textButton } from "./dom.js";
import { MessageRow } from "./message-row.js";

/** Consecutive messages of one author within this time form a group. */
const GROUP_MS = 300_000;
/** The list counts as scrolled to the end within this distance, in CSS pixels. */
const NEAR = 48;
/** The first paint shows at most this many messages, without times of day, which are slow to format at first. */
const BRIEF = 15;
/** The other messages and the times follow after this time. */
const BRIEF_MS = 40;
/** The window's height without the messages, in CSS pixels. */
const FRAME = 120;
/** The least height of a message and of each further line, in CSS pixels, and the most letters in a line. */
const ROW = 42;
const LINE = 22;
const LETTERS = 60;

export class MessageList {
  readonly node = el("div", "messages", { role: "log", tabindex: "0", "aria-live": "off" });
  readonly newer: HTMLButtonElement;
  readonly #greeting = el("div", null, { class: "greeting", dir: "auto" });
  readonly #typing = el("div", null, { class: "typing", role: "img", "aria-label": t.typing });
  /** Asks the last question once more after a failure. */
  readonly #retry: HTMLButtonElement;
  /** Asks the last question once more; its first answer stays. */
  readonly #again: HTMLButtonElement;
  readonly #rows = new Map<string, MessageRow>();
  readonly #list = el("div", null, { class: "list" });
  /** Keeps the list scrolled to the end when the list or the panel changes its size. */
  readonly #sizes = new ResizeObserver(() => this.#isAtBottom && this.#toBottom());
  #dates: Dates | null = null;
  #latest: ViewState | null = null;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #isAtBottom = true;
  /** The last known scroll position. */
  #top = 0;

  readonly #actions: ViewActions;
  readonly #more: Load<More>;

  constructor(actions: ViewActions, more: Load<More>) {
    this.#actions = actions;
    this.#more = more;
    this.#retry = textButton("retry", "text again", t.retry, () => actions.askAgain());
    this.#again = textButton("again", "plain", t.again, () => actions.askAgain());
    this.#typing.append(el("i", null), el("i", null), el("i", null));
    this.newer = el("button", null, { type: "button", class: "newer" }, t.newer);
    show(this.newer, false);
    this.newer.addEventListener("click", () => this.#toBottom());
    this.node.append(this.#list);
    this.#sizes.observe(this.node);
    this.#sizes.observe(this.#list);
    this.node.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** Renders the messages. Returns the replies that this rendering completed. */
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

  #arrange({ messages: all, locale, typing, writing, readOnly, clockOffset }: ViewState): void {
    const isBrief = this.#rest !== undefined;
    const messages = isBrief ? all.slice(-newest(all)) : all;
    if (!isBrief) this.#dates ??= new Dates(locale);
    if (this.#dates !== null) this.#dates.offset = clockOffset;
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
    else if (!writing && !readOnly) nodes.push(...this.#offer(all));
    this.#draw(nodes);
  }

  /** The button that asks the last question once more, if the list ends with its answer or its failure. */
  #offer(messages: readonly ShownMessage[]): Node[] {
    const last = messages.at(-1);
    if (last?.kind === "error" && last.past !== true) return [this.#retry];
    // Tasks, and the questions of the agent, have a kind: to say the last word again would answer nothing.
    const isAnswered = last?.role === "assistant" && last.kind === undefined && messages.some(({ role }) => role === "visitor");
    return isAnswered ? [this.#again] : [];
  }

  #rowOf(message: ShownMessage): MessageRow {
    let row = this.#rows.get(message.key);
    if (row === undefined) {
      row = new MessageRow(this.#actions, this.#more);
      this.#rows.set(message.key, row);
    }
    if (row.message?.ts !== message.ts) row.day = dayOf(message.ts);
    return row;
  }

  /** The divider above a message at the start of a conversation or a day, if there is one. */
  #divider(message: ShownMessage, row: MessageRow, before: ShownMessage | undefined): Node | null {
    const isEarlier = message.past === true && before === undefined;
    const isCurrent = message.past !== true && before?.past === true;
    const isNewDay = before === undefined || isCurrent || this.#rows.get(before.key)?.day !== row.day;
    if (!isNewDay && !isEarlier) return null;
    const day = this.#dates?.day(message.ts) ?? "";
    setText(row.divider.firstElementChild!, isEarlier ? `${t.earlier} · ${day}` : day);
    return row.divider;
  }

  /** Updates the children with the fewest changes. */
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
    this.#top = this.node.scrollTop;
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    // A hidden list has no height, so its scroll position means nothing.
    if (clientHeight === 0) return;
    const isNear = scrollHeight - scrollTop - clientHeight < NEAR;
    // Only a person scrolls up. A list that grew after it was scrolled to its end is still to be scrolled further.
    if (isNear || scrollTop < this.#top) this.#isAtBottom = isNear;
    this.#top = scrollTop;
    if (this.#isAtBottom) show(this.newer, false);
  }

  /** An element that was removed from the page loses its scroll position. */
  returned(): void {
    this.node.scrollTop = this.#top;
  }

  destroy(): void {
    clearTimeout(this.#rest);
    this.#sizes.disconnect();
  }
}

/** The number of newest messages that fill the window, estimated with their least heights. */
function newest(messages: readonly ShownMessage[]): number {
  // Reading the inner height would force a layout.
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
