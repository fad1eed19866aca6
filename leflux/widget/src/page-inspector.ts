// Describes the page to the server, for the agent. What the visitor has typed, in fields and editors, is not included, nor
// what the page calls private or what looks like a secret.

import type { Describer, Permission, ReaderHost } from "./page-description.js";
import { factsOf, isPrivate, roleOf, shortName, submits, type Usable, usable, visibleText } from "./page-elements.js";

import { EVENTS } from "./protocol.js";
import { hideSecrets } from "./secrets.js";
import { stringify, truncate } from "./text.js";
import { Timers } from "./timers.js";
import type { Known } from "./types.js";

const TITLE_MAX = 300;
const TEXT_MAX = 5_000;
/** The part of a page's text that is looked through for secrets: more than is sent. */
const LOOKED_AT = 40_000;
const ELEMENTS_MAX = 120;
/** Below the server's limit for a description. */
const BYTES_MAX = 60_000;
const QUIET_MS = 600;
/** Attributes that show, hide, enable or disable elements. */
const SHOWING = ["class", "disabled", "hidden", "open", "style"];

type Navigating = { navigation?: EventTarget };
type Entry = { name: string };

export class PageInspector implements Describer {
  readonly #ids = new WeakMap<Element, string>();
  /** Makes element ids unique across page loads. */
  readonly #prefix = `e${Math.random().toString(36).slice(2, 5)}-`;
  #count = 0;
  #sent = "";
  #wasSent = "";
  #isDue = false;
  readonly #watcher: MutationObserver;
  readonly #timers = new Timers();

  readonly #page: Document;
  readonly #chat: ReaderHost;
  readonly #permission: Permission;

  constructor(page: Document, chat: ReaderHost, permission: Permission) {
    this.#page = page;
    this.#chat = chat;
    this.#permission = permission;
    const schedule = (): void => this.schedule();
    this.#watcher = new MutationObserver(schedule);
    // Not the body or the root: a page may replace them.
    this.#watcher.observe(window.document, { childList: true, subtree: true, attributeFilter: SHOWING });
    // The Navigation API, where it exists: a new address may be the only change.
    (page.defaultView as Navigating | null)?.navigation?.addEventListener("currententrychange", schedule);
  }

  /** Schedules a description: the page or the visitor's data may have changed. */
  schedule(): void {
    if (this.#permission.isFollowed) this.#later();
  }

  #later(): void {
    if (this.#isDue || !this.#chat.sync.isJoined) return;
    this.#isDue = true;
    this.#timers.set("inspect", QUIET_MS, () => {
      this.#isDue = false;
      void this.send();
    });
  }

  /** Sends the next description even if nothing has changed. */
  resend(): void {
    this.forget();
    this.#later();
  }

  /** The server may not have the last description any more. */
  forget(): void {
    this.#sent = "";
  }

  element(id: string): Usable | null {
    return usable(this.#page).find((element) => this.#ids.get(element) === id) ?? null;
  }

  #describe(): object {
    const page = this.#page;
    const main = page.querySelector<HTMLElement>("main") ?? page.body;
    const isHidden = isPrivate(page.documentElement);
    const found = isHidden ? [] : usable(page).filter((element) => !isPrivate(element)).slice(0, ELEMENTS_MAX);
    const elements = found.map((element) => this.#entry(element));
    const context = {
      url: this.#permission.address(page.location.href),
      locale: this.#permission.lang,
      title: isHidden ? "" : truncate(hideSecrets(page.title.slice(0, LOOKED_AT)), TITLE_MAX),
      visibleText: truncate(hideSecrets(visibleText(main).slice(0, LOOKED_AT)), TEXT_MAX),
      elements,
      userData: cleaned(this.#chat.visitor.data),
    };
    while (elements.length > 0 && new TextEncoder().encode(stringify(context)).length > BYTES_MAX) {
      elements.length = Math.floor((elements.length * 3) / 4);
    }
    return context;
  }

  #idOf(element: Usable): string {
    const known = this.#ids.get(element);
    if (known !== undefined) return known;
    this.#count += 1;
    const id = this.#prefix + this.#count;
    this.#ids.set(element, id);
    return id;
  }

  #entry(element: Usable): Entry {
    const { disabled } = element;
    const facts = cleaned({ role: roleOf(element), name: shortName(element), ...factsOf(element) });
    return { id: this.#idOf(element), ...facts, disabled: disabled || undefined, submits: submits(element) || undefined } as Entry;
  }

  /** Sends the description if it has changed. */
  async send(event: string = EVENTS.context): Promise<void> {
    if (!this.#chat.sync.isJoined || this.#permission.isForbidden) return;
    this.#timers.clear();
    this.#isDue = false;
    const context = this.#describe();
    const text = stringify(context);
    if (text === this.#sent && event === EVENTS.context) return;
    this.#sent = this.#wasSent = text;
    const answer = await this.#chat.sync.ask(event, { context });
    if (answer?.ok !== true && this.#sent === text) this.#sent = "";
  }

  known(): Known {
    const isSent = this.#wasSent !== "";
    const context = isSent ? JSON.parse(this.#wasSent) : this.#describe();
    return { isSent, text: JSON.stringify(context, null, 1) };
  }

  /** A report about a step, with what the server may know of it. */
  told<T extends object>(report: T): T {
    const { url, ...rest } = report as { url?: string };
    return { ...cleaned(rest), ...(url === undefined ? {} : { url: this.#permission.address(url) }) } as T;
  }

  stop(): void {
    this.#timers.clear();
    this.#watcher.disconnect();
  }
}

/** The value with each of its texts clean of secrets. */
function cleaned<T>(value: T): T {
  if (typeof value === "string") return hideSecrets(value) as T;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(cleaned) as T;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, cleaned(part)])) as T;
}
