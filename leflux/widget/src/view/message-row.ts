// One message on the screen. The row is built once, then only updated where the message has changed.

import * as t from "#texts";
import type { Markdown, More } from "../more-part.js";
import { insist, type Load } from "../part-loader.js";
import type { ShownMessage, ViewActions } from "../types.js";
import type { Dates } from "./dates.js";
import { el, icon, set, setAll, setText, textButton } from "./dom.js";
import { link } from "./link.js";
import { isRich, markdown } from "./markdown.js";

const MOST_SOURCES = 8;

/** Draws all of Markdown, once it has been needed and loaded. */
let rich: Markdown | null = null;

export class MessageRow {
  readonly node = el("div", null, { class: "row" });
  #divider: HTMLElement | undefined;
  day = "";
  message: ShownMessage | null = null;
  readonly #bubble = el("div", "message", { role: "article", dir: "auto" });
  #meta: HTMLElement | undefined;
  #sources: HTMLElement | null = null;
  #shape = "";
  #dates: Dates | null = null;

  readonly #actions: ViewActions;
  readonly #more: Load<More>;

  constructor(actions: ViewActions, more: Load<More>) {
    this.#actions = actions;
    this.#more = more;
    this.node.append(this.#bubble);
  }

  /** The divider above this message, for a new day or conversation. */
  get divider(): HTMLElement {
    this.#divider ??= el("div", null, { class: "divider" }, el("span", null));
    return this.#divider;
  }

  /** `first` and `last` mark the ends of a group. Without `dates`, the times are left out. */
  render(message: ShownMessage, first: boolean, last: boolean, dates: Dates | null): void {
    const { role, status, ts, text, data } = message;
    const before = this.message;
    if (before !== message) {
      this.message = message;
      if (before?.text !== text || before.role !== role || before.streaming !== message.streaming) this.#renderText(message);
      this.#setAttributes(message);
      if (before?.data !== data) this.#renderSources(sourceLinks(data, message.text));
      if (hides(data) && !hides(before?.data)) this.#bubble.after(el("p", "hidden", { class: "meta" }, t.hidden));
    }
    const shape = `${role} ${status} ${ts} ${first} ${last}`;
    if (shape === this.#shape && dates === this.#dates) return;
    this.#shape = shape;
    this.#dates = dates;
    setAll(this.node, { "data-first": first ? "" : null, "data-last": last ? "" : null });
    const time = dates?.time(ts) ?? "";
    set(this.#bubble, "aria-label", `${role === "visitor" ? t.you : t.agent} ${time}`.trim());
    this.#renderMeta(message, last, time);
    if (message.kind === "person") void this.#enrich();
  }

  /** The reply's text for screen readers. */
  spoken(): string {
    return this.#bubble.textContent ?? "";
  }

  #setAttributes({ role, past, id, seq, status, kind, streaming }: ShownMessage): void {
    setAll(this.node, { "data-role": role, "data-past": past ? "" : null });
    setAll(this.#bubble, {
      "data-role": role,
      "data-id": id,
      "data-seq": seq === null ? null : String(seq),
      "data-status": status,
      "data-kind": kind ?? null,
      "data-streaming": streaming ? "" : null,
    });
  }

  #renderText(message: ShownMessage): void {
    if (message.role === "visitor") setText(this.#bubble, message.text);
    else patch(this.#bubble, (rich ?? markdown)(message.text, message.streaming, t.copy));
    if (rich === null && message.role !== "visitor" && isRich(message.text)) void this.#enrich();
  }

  async #enrich(): Promise<void> {
    const part = await insist(this.#more, () => this.node.isConnected);
    const root = this.node.getRootNode();
    if (part === null || !(root instanceof ShadowRoot)) return;
    rich ??= part.renderer(root);
    if (this.message === null) return;
    this.#renderText(this.message);
    part.sign(this.node, this.message);
  }

  #renderMeta(message: ShownMessage, last: boolean, time: string): void {
    const mine = message.role === "visitor";
    this.#meta?.remove();
    if (message.status === "sent" && (!last || message.role === "system")) return;
    const children: Node[] = [];
    if (message.status === "failed") {
      const { key } = message;
      children.push(
        el("span", null, { class: "failed" }, t.failed),
        textButton(null, "text", t.retry, () => this.#actions.retry(key)),
        textButton(null, "text", t.discard, () => this.#actions.discard(key)),
      );
    } else {
      children.push(el("time", null, { datetime: new Date(message.ts).toISOString() }, time));
      if (message.status === "sending") children.push(icon("clock"), el("span", null, { class: "sr" }, t.sending));
      else if (mine) children.push(icon("check"));
    }
    this.#meta = el("div", null, { class: "meta" }, ...children);
    this.node.append(this.#meta);
  }

  #renderSources(links: HTMLAnchorElement[]): void {
    const items = links.map((anchor) => el("li", null, {}, anchor));
    const next = items.length === 0 ? null : el("ul", null, { class: "sources", "aria-label": t.sources }, ...items);
    if (this.#sources === next || this.#sources?.isEqualNode(next)) return;
    this.#sources?.remove();
    this.#sources = next;
    if (next !== null) this.#bubble.after(next);
  }
}

/** The server has hidden something of the message. */
function hides(data: unknown): boolean {
  return (data as { hidden?: unknown } | null | undefined)?.hidden !== undefined;
}

/** Links to the sources, without those that the text itself contains. */
function sourceLinks(data: unknown, text: string): HTMLAnchorElement[] {
  const sources = (data as { sources?: unknown } | null | undefined)?.sources;
  if (!Array.isArray(sources)) return [];
  return sources.slice(0, MOST_SOURCES).flatMap((source: { title?: unknown; url?: unknown } | null) => {
    const url = String(source?.url ?? "");
    const anchor = url === "" || text.includes(`](${url})`) ? null : link(url, String(source?.title ?? "") || url);
    return anchor === null ? [] : [anchor];
  });
}

/** Replaces the changed blocks and keeps the equal ones at the start: a streamed reply changes at its end only. */
function patch(parent: Element, next: DocumentFragment): void {
  let old = parent.firstChild;
  let fresh = next.firstChild;
  while (old !== null && fresh !== null && old.isEqualNode(fresh)) {
    old = old.nextSibling;
    fresh.remove();
    fresh = next.firstChild;
  }
  while (old !== null) {
    const after: ChildNode | null = old.nextSibling;
    old.remove();
    old = after;
  }
  parent.append(next);
}
