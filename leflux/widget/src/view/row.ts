// One message on the screen. It is made once and then only changed where the message has changed.

import type { ShownMessage, ViewActions } from "../types.js";
import { el, icon, set, setText, textButton } from "./dom.js";
import { link, markdown } from "./markdown.js";
import type { Dates } from "./dates.js";
import { t } from "./texts.js";

const MOST_SOURCES = 8;

export class Row {
  readonly node = el("div", null, { class: "row" });
  /** The line that begins a day or a conversation above this message. */
  readonly divider = el("div", null, { class: "divider" }, el("span", null));
  day = "";
  message: ShownMessage | null = null;
  private readonly bubble = el("div", "message", { role: "article", dir: "auto" });
  private readonly meta = el("div", null, { class: "meta" });
  private sources: HTMLElement | null = null;
  private shape = "";

  constructor(private readonly actions: ViewActions) {
    this.node.append(this.bubble);
  }

  /** `first` and `last` of what one author said in a row. True when something can be seen to have changed. */
  render(message: ShownMessage, first: boolean, last: boolean, dates: Dates): boolean {
    const shape = `${message.status} ${message.ts} ${message.streaming} ${message.past} ${first} ${last}`;
    const before = this.message;
    if (before === message && shape === this.shape) return false;
    this.message = message;
    const hasText = before?.text !== message.text || before.role !== message.role;
    if (hasText) this.write(message);
    this.name(message);
    if (before?.data !== message.data) this.cite(sourceLinks(message.data));
    if (shape === this.shape) return hasText;
    this.shape = shape;
    set(this.node, "data-first", first ? "" : null);
    set(this.node, "data-last", last ? "" : null);
    const time = dates.time(message.ts);
    set(this.bubble, "aria-label", `${message.role === "visitor" ? t.you : t.agent}, ${time}`);
    this.footnote(message, last, time);
    return true;
  }

  /** The reply as it is read out. */
  spoken(): string {
    return this.bubble.textContent ?? "";
  }

  private name(message: ShownMessage): void {
    set(this.node, "data-role", message.role);
    set(this.node, "data-past", message.past ? "" : null);
    set(this.bubble, "data-role", message.role);
    set(this.bubble, "data-id", message.id);
    set(this.bubble, "data-seq", message.seq === null ? null : String(message.seq));
    set(this.bubble, "data-status", message.status);
    set(this.bubble, "data-kind", message.kind ?? null);
    set(this.bubble, "data-streaming", message.streaming ? "" : null);
  }

  private write(message: ShownMessage): void {
    if (message.role === "visitor") setText(this.bubble, message.text);
    else patch(this.bubble, markdown(message.text));
  }

  private footnote(message: ShownMessage, last: boolean, time: string): void {
    const mine = message.role === "visitor";
    if (message.status === "sent" && (!last || message.role === "system")) return this.meta.remove();
    const children: Node[] = [];
    if (message.status === "failed") {
      const { key } = message;
      children.push(
        el("span", null, { class: "failed" }, t.failed),
        textButton(null, "text", t.retry, () => this.actions.retry(key)),
        textButton(null, "text", t.discard, () => this.actions.discard(key)),
      );
    } else {
      children.push(el("time", null, { datetime: new Date(message.ts).toISOString() }, time));
      if (message.status === "sending") children.push(icon("clock"), el("span", null, { class: "sr" }, t.sending));
      else if (mine) children.push(icon("check"));
    }
    this.meta.replaceChildren(...children);
    this.node.append(this.meta);
  }

  private cite(links: HTMLAnchorElement[]): void {
    const items = links.map((anchor) => el("li", null, {}, anchor));
    const next = el("ul", null, { class: "sources", "aria-label": t.sources }, ...items);
    if (this.sources?.isEqualNode(next)) return;
    this.sources?.remove();
    this.sources = items.length === 0 ? null : next;
    if (this.sources !== null) this.bubble.after(this.sources);
  }
}

function sourceLinks(data: unknown): HTMLAnchorElement[] {
  const sources = (data as { sources?: unknown } | null | undefined)?.sources;
  if (!Array.isArray(sources)) return [];
  return sources.slice(0, MOST_SOURCES).flatMap((source: { title?: unknown; url?: unknown } | null) => {
    const url = String(source?.url ?? "");
    const anchor = url === "" ? null : link(url, String(source?.title ?? "") || url);
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
