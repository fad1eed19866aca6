// One message on the screen. It is made once and then only changed where the message has changed.

import * as t from "#texts";
import type { ShownMessage, ViewActions } from "../types.js";
import { el, icon, set, setAll, setText, textButton } from "./dom.js";
import { link, markdown } from "./markdown.js";
import type { Dates } from "./dates.js";

const MOST_SOURCES = 8;

export class Row {
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

  constructor(actions: ViewActions) {
    this.#actions = actions;
    this.node.append(this.#bubble);
  }

  /** The line that begins a day or a conversation above this message. */
  get divider(): HTMLElement {
    return (this.#divider ??= el("div", null, { class: "divider" }, el("span", null)));
  }

  /** `first` and `last` of what one author said in a row; without `dates` the times are left out. */
  render(message: ShownMessage, first: boolean, last: boolean, dates: Dates | null): void {
    const { role, status, ts, text, data } = message;
    const before = this.message;
    if (before !== message) {
      this.message = message;
      if (before?.text !== text || before.role !== role) this.#write(message);
      this.#name(message);
      if (before?.data !== data) this.#cite(sourceLinks(data, message.text));
    }
    const shape = `${role} ${status} ${ts} ${first} ${last}`;
    if (shape === this.#shape && dates === this.#dates) return;
    this.#shape = shape;
    this.#dates = dates;
    setAll(this.node, { "data-first": first ? "" : null, "data-last": last ? "" : null });
    const time = dates?.time(ts) ?? "";
    set(this.#bubble, "aria-label", `${role === "visitor" ? t.you : t.agent} ${time}`.trim());
    this.#footnote(message, last, time);
  }

  /** The reply as it is read out. */
  spoken(): string {
    return this.#bubble.textContent ?? "";
  }

  #name({ role, past, id, seq, status, kind, streaming }: ShownMessage): void {
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

  #write(message: ShownMessage): void {
    if (message.role === "visitor") setText(this.#bubble, message.text);
    else patch(this.#bubble, markdown(message.text));
  }

  #footnote(message: ShownMessage, last: boolean, time: string): void {
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

  #cite(links: HTMLAnchorElement[]): void {
    const items = links.map((anchor) => el("li", null, {}, anchor));
    const next = items.length === 0 ? null : el("ul", null, { class: "sources", "aria-label": t.sources }, ...items);
    if (this.#sources === next || this.#sources?.isEqualNode(next)) return;
    this.#sources?.remove();
    this.#sources = next;
    if (next !== null) this.#bubble.after(next);
  }
}

/** What the text has linked itself need not be named twice. */
function sourceLinks(data: unknown, text: string): HTMLAnchorElement[] {
  const sources = (data as { sources?: unknown } | null | undefined)?.sources;
  if (!Array.isArray(sources)) return [];
  return sources.slice(0, MOST_SOURCES).flatMap((source: { title?: unknown; url?: unknown } | null) => {
    const url = String(source?.url ?? "");
    const anchor = url === "" || text.includes(`](${url})`) ? null : link(url, String(source?.title ?? "") || url);
    return anchor === null ? [] : [anchor];
  });
}

/** Put the new blocks in place, keeping those that stay: a streamed reply changes at its end only. */
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
