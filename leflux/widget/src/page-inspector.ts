// Describes the page to the server, for the agent. What the visitor has typed, in fields and editors, is not included.

import { lang } from "#texts";
import type { Chat } from "./chat.js";
import { factsOf, roleOf, shortName, submits, type Usable, usable, visibleText } from "./page-elements.js";
import { EVENTS } from "./protocol.js";
import { truncate } from "./text.js";
import type { Timers } from "./timers.js";

const TITLE_MAX = 300;
const TEXT_MAX = 5_000;
const ELEMENTS_MAX = 120;
const QUIET_MS = 600;
/** Attributes that show, hide, enable or disable elements. */
const SHOWING = ["class", "disabled", "hidden", "open", "style"];

type Navigating = { navigation?: EventTarget };

export class PageInspector {
  readonly #ids = new WeakMap<Element, string>();
  /** Makes element ids unique across page loads. */
  readonly #prefix = `e${Math.random().toString(36).slice(2, 5)}-`;
  #count = 0;
  #sent = "";
  #isDue = false;
  readonly #watcher: MutationObserver;

  readonly #page: Document;
  readonly #chat: Chat;
  readonly #timers: Timers;

  constructor(page: Document, chat: Chat, timers: Timers) {
    this.#page = page;
    this.#chat = chat;
    this.#timers = timers;
    const schedule = (): void => this.schedule();
    this.#watcher = new MutationObserver(schedule);
    // Not the body or the root: a page may replace them.
    this.#watcher.observe(window.document, { childList: true, subtree: true, attributeFilter: SHOWING });
    // The Navigation API, where it exists: a new address may be the only change.
    (page.defaultView as Navigating | null)?.navigation?.addEventListener("currententrychange", schedule);
  }

  /** Schedules a description: the page or the visitor's data may have changed. */
  schedule(): void {
    if (this.#isDue || !this.#chat.sync.isJoined) return;
    this.#isDue = true;
    this.#timers.set("inspect", QUIET_MS, () => {
      this.#isDue = false;
      void this.send();
    });
  }

  /** Sends the next description even if nothing has changed. */
  resend(): void {
    this.#sent = "";
    this.schedule();
  }

  /** Sends a due description now, ahead of the visitor's message. */
  flush(): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    void this.send();
  }

  element(id: string): Usable | null {
    return usable(this.#page).find((element) => this.#ids.get(element) === id) ?? null;
  }

  #describe(): object {
    const [page, chat] = [this.#page, this.#chat];
    const main = page.querySelector<HTMLElement>("main") ?? page.body;
    return {
      url: page.location.href,
      locale: lang,
      title: truncate(page.title, TITLE_MAX),
      visibleText: truncate(visibleText(main), TEXT_MAX),
      elements: usable(page).slice(0, ELEMENTS_MAX).map((element) => this.#entry(element)),
      userData: chat.visitor.data,
    };
  }

  #idOf(element: Usable): string {
    const known = this.#ids.get(element);
    if (known !== undefined) return known;
    this.#count += 1;
    const id = this.#prefix + this.#count;
    this.#ids.set(element, id);
    return id;
  }

  #entry(element: Usable): object {
    const { disabled } = element;
    const isSubmit = submits(element) || undefined;
    return { id: this.#idOf(element), role: roleOf(element), name: shortName(element), disabled: disabled || undefined, submits: isSubmit, ...factsOf(element) };
  }

  /** Sends the description if it has changed. */
  async send(event: string = EVENTS.context): Promise<void> {
    if (!this.#chat.sync.isJoined) return;
    const context = this.#describe();
    const text = JSON.stringify(context);
    if (text === this.#sent && event === EVENTS.context) return;
    this.#sent = text;
    const answer = await this.#chat.sync.ask(event, { context });
    if (answer?.ok !== true && this.#sent === text) this.#sent = "";
  }

  stop(): void {
    this.#watcher.disconnect();
  }
}
