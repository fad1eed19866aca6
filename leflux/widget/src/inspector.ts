// Tells the server what the page looks like, so that an agent knows what it can use there. Values that the visitor
// has typed are not among it.

import type { Chat } from "./chat.js";
import { isForbidden, nameOf, roleOf, usable, type Usable } from "./elements.js";
import type { Timers } from "./timers.js";
import { EVENTS } from "./wire.js";

const TEXT_MAX = 5_000;
const NAME_MAX = 120;
const ELEMENTS_MAX = 120;
const QUIET_MS = 600;
/** What pages show and hide their elements by. */
const SHOWING = ["class", "disabled", "hidden", "open", "style"];

export class Inspector {
  private readonly ids = new WeakMap<Element, string>();
  private count = 0;
  private sent = "";
  private isDue = false;
  private readonly watcher: MutationObserver;

  constructor(
    private readonly page: Document,
    private readonly chat: Chat,
    private readonly timers: Timers,
  ) {
    this.watcher = new MutationObserver(() => this.soon());
    this.watcher.observe(page.body, { childList: true, subtree: true, attributeFilter: SHOWING });
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
    const id = this.ids.get(element) ?? `e${(this.count += 1)}`;
    this.ids.set(element, id);
    const entry = { id, role: roleOf(element), name: nameOf(element).slice(0, NAME_MAX) };
    const { type, autocomplete } = element;
    return isForbidden(element) ? { ...entry, type, autocomplete } : entry;
  }

  /** Only what has changed is worth a message. */
  async tell(): Promise<void> {
    if (!this.chat.sync.isJoined) return;
    const context = this.describe();
    const text = JSON.stringify(context);
    if (text === this.sent) return;
    this.sent = text;
    const answer = await this.chat.sync.ask(EVENTS.context, { context });
    if (answer?.ok !== true && this.sent === text) this.sent = "";
  }

  stop(): void {
    this.watcher.disconnect();
  }
}
