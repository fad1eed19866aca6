// Tells the server what the page looks like, so that an agent knows what it can use there. Values that the visitor
// has typed are not among it.

import type { Chat } from "./chat.js";
import { isForbidden, NAME_MAX, nameOf, roleOf, usable, type Usable } from "./elements.js";
import type { Timers } from "./timers.js";
import { EVENTS } from "./wire.js";

const TEXT_MAX = 5_000;
const ELEMENTS_MAX = 120;
const QUIET_MS = 600;
/** What pages show and hide their elements by. */
const SHOWING = ["class", "disabled", "hidden", "open", "style"];

type Navigating = { navigation?: EventTarget };

export class Inspector {
  private readonly ids = new WeakMap<Element, string>();
  /** Another page's ids are none of this one's. */
  private readonly prefix = `e${Math.random().toString(36).slice(2, 5)}-`;
  private count = 0;
  private sent = "";
  private isDue = false;
  private readonly watcher: MutationObserver;

  constructor(
    private readonly page: Document,
    private readonly chat: Chat,
    private readonly timers: Timers,
  ) {
    const soon = (): void => this.soon();
    this.watcher = new MutationObserver(soon);
    this.watcher.observe(page.body, { childList: true, subtree: true, attributeFilter: SHOWING });
    // Where the browser tells of it: a page may be another one by its address alone.
    (page.defaultView as Navigating | null)?.navigation?.addEventListener("currententrychange", soon);
  }

  /** The page or what is known of the visitor may have changed. */
  soon(): void {
    if (this.isDue || !this.chat.sync.isJoined) return;
    this.isDue = true;
    this.timers.set("inspect", QUIET_MS, () => {
      this.isDue = false;
      void this.tell();
    });
  }

  /** The socket is another one, or somebody wants to be sure. */
  again(): void {
    this.sent = "";
    this.soon();
  }

  /** What the visitor is about to ask may be about the page as it is now. */
  hurry(): void {
    if (!this.isDue) return;
    this.isDue = false;
    void this.tell();
  }

  element(id: string): Usable | null {
    return usable(this.page).find((element) => this.ids.get(element) === id) ?? null;
  }

  private describe(): object {
    const { page, chat } = this;
    const main = page.querySelector<HTMLElement>("main") ?? page.body;
    return {
      url: page.location.href,
      title: page.title.slice(0, 300),
      visibleText: main.innerText.slice(0, TEXT_MAX),
      elements: usable(page).slice(0, ELEMENTS_MAX).map((element) => this.entry(element)),
      userData: chat.visitor.data,
    };
  }

  private entry(element: Usable): object {
    const id = this.ids.get(element) ?? this.prefix + (this.count += 1);
    this.ids.set(element, id);
    const { type, autocomplete, disabled } = element;
    const entry = { id, role: roleOf(element), name: nameOf(element).slice(0, NAME_MAX), disabled: disabled || undefined };
    return isForbidden(element) ? { ...entry, type, autocomplete } : entry;
  }

  /** Only what has changed is worth a message. */
  async tell(event: string = EVENTS.context): Promise<void> {
    if (!this.chat.sync.isJoined) return;
    const context = this.describe();
    const text = JSON.stringify(context);
    if (text === this.sent && event === EVENTS.context) return;
    this.sent = text;
    const answer = await this.chat.sync.ask(event, { context });
    if (answer?.ok !== true && this.sent === text) this.sent = "";
  }

  stop(): void {
    this.watcher.disconnect();
  }
}
