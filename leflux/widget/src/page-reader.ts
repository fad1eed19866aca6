// Decides when the page is read. Nothing of it leaves the browser before the visitor has said something on it, unless a task
// goes on here or the site asks for it. The part that reads is loaded when it is needed.

import * as t from "#texts";
import { toldAddress } from "./address.js";
import type { Env } from "./env.js";
import type { ChatEvent } from "./events.js";
import type { Describer, Permission, ReaderHost } from "./page-description.js";
import { EVENTS } from "./protocol.js";
import type { Known, PageRules } from "./types.js";

/** A message waits at most this long for the description of its page. */
const PART_MS = 2_000;

export class PageReader implements Permission {
  private rules: PageRules;
  readonly lang = t.lang;
  private hasSpoken = false;
  private inspector: Describer | null = null;

  constructor(
    private readonly env: Pick<Env, "store" | "url" | "readsPage" | "loadPage">,
    private readonly chat: ReaderHost,
  ) {
    this.rules = env.store.widget().config.context ?? {};
    chat.on((event) => this.heard(event));
  }

  private heard(event: ChatEvent): void {
    if (event.name === "config") this.rules = event.config.context ?? {};
    if (event.name === "joined") this.inspector?.forget();
    const isDue = event.name === "reindex" ? this.isWanted : this.isFollowed && /^(joined|plan)$/.test(event.name);
    if (isDue) void this.part().then((inspector) => inspector?.resend());
    // The server decides whether the page now has the missing element.
    if (event.name === "proceed") void this.send(EVENTS.proceed);
  }

  /** The site or the tag of the page allows no description. */
  get isForbidden(): boolean {
    return !this.env.readsPage || this.rules.read === "never";
  }

  /** Changes of the page are news: the agent acts on it, or the site asks for them. */
  get isFollowed(): boolean {
    return !this.isForbidden && (this.chat.progress.task !== null || this.rules.read === "view");
  }

  private get isWanted(): boolean {
    return this.isFollowed || (this.hasSpoken && !this.isForbidden);
  }

  /** The address of the page, once the server may know it. */
  get url(): string | undefined {
    return this.isWanted ? this.address(this.env.url()) : undefined;
  }

  /** `href` as the server may know it. */
  address(href: string): string {
    const { conversation: { key }, progress: { given } } = this.chat;
    return toldAddress(href, { allowed: this.rules.query ?? [], given, key });
  }

  /** Describes the page ahead of the visitor's message. Resolves when the message may go. */
  async before(): Promise<void> {
    this.hasSpoken = true;
    if (this.chat.sync.isJoined) await this.send();
  }

  /** Resolves once the event is under way; the answer is not awaited. */
  private async send(event: string = EVENTS.context): Promise<void> {
    const inspector = this.isForbidden ? null : await this.part();
    if (inspector !== null) void inspector.send(event);
    else if (event === EVENTS.proceed || !this.isForbidden) void this.chat.sync.ask(event, { context: this.least });
  }

  /** The description without the part that reads the page. */
  private get least(): object {
    return this.isForbidden ? {} : { url: this.url, userData: this.chat.visitor.data };
  }

  /** What the server knows of this page, or will know with the next message. Null when nothing is told. */
  async known(): Promise<Known | null> {
    if (this.isForbidden) return null;
    const inspector = await this.part();
    return inspector === null ? null : inspector.known();
  }

  /** Resolves with null when the part cannot be loaded in time. */
  async part(): Promise<Describer | null> {
    const late = new Promise<null>((resolve) => setTimeout(resolve, PART_MS, null));
    return Promise.race([this.load().catch(() => null), late]);
  }

  async load(): Promise<Describer> {
    const { PageInspector } = await this.env.loadPage();
    this.inspector ??= new PageInspector(document, this.chat, this);
    return this.inspector;
  }

  stop(): void {
    this.inspector?.stop();
  }
}
