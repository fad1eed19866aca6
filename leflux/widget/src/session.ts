// The conversation in one tab: paint what is cached, restore, connect, send, and survive whatever happens between.
//
// The server's store is the truth; localStorage is what all tabs of this browser have in common; the socket and the
// channel only bring news of either.

import type { Connect, Connection, Listener } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Delivery, HTTP_AFTER_MS, type Sender } from "./delivery.js";
import { Http, HttpError } from "./http.js";
import { Outbox } from "./outbox.js";
import type { BrowserStore } from "./storage.js";
import type { Hint, Tabs } from "./tabs.js";
import type { Message, NoticeKind, SiteConfig } from "./types.js";
import type { Chunk, InitAnswer, Joined, StreamDone } from "./wire.js";

const TYPING_MS = 30_000;
const INIT_RETRY_MS = 3_000;
/** A tab that was touched this recently is in use. */
const IN_USE_MS = 10_000;

export interface Env {
  store: BrowserStore;
  http: Http;
  connect: Connect;
  host: string;
  tabs: (heard: (hint: Hint) => void) => Tabs;
  now: () => number;
  url: () => string;
  visible: () => boolean;
  online: () => boolean;
  visitorId: () => string | null;
  uuid: () => string;
}

export type ChatEvent =
  | { name: "change" }
  | { name: "config"; config: SiteConfig }
  | { name: "message" | "reply"; message: Message }
  | { name: "restored"; how: "full" | "cached" | "new" }
  | { name: "typing"; on: boolean }
  | { name: "taken-over" | "cleared" | "widget" }
  | { name: "error"; code: string };

export class Chat implements Listener, Sender {
  readonly conversation: Conversation;
  readonly outbox: Outbox;
  typing = false;
  readOnly = false;
  notice: NoticeKind | null = null;
  /** A reply that the tab which owns the socket is receiving. */
  mirrored: { streamId: string; text: string } | null = null;
  isOwner = false;
  isJoined = false;
  downSince = 0;

  private readonly tabs: Tabs;
  private readonly connection: Connection;
  private readonly delivery: Delivery;
  private lastUsed = 0;
  private starting: Promise<boolean> | null = null;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(
    private readonly env: Env,
    private readonly emit: (event: ChatEvent) => void,
  ) {
    this.conversation = new Conversation(env.store, env.now);
    this.tabs = env.tabs((hint) => this.heard(hint));
    this.connection = env.connect(env.host, () => this.where(), this);
    this.delivery = new Delivery(this, this.conversation, env.http, this.connection, env.now);
    this.outbox = new Outbox(
      env.store,
      (pending) => this.delivery.deliver(pending),
      () => {
        this.tabs.tell({ type: "outbox" });
        this.changed();
      },
    );
  }

  private where(): { sessionId: string | null; since: number; url: string } {
    const { sessionId, transcript } = this.conversation;
    return { sessionId, since: transcript.seq, url: this.env.url() };
  }

  /** Read the cache, so that it can be painted before the network is asked. */
  load(): void {
    if (!this.conversation.load()) this.outbox.clear();
  }

  /** One restore or init, then one socket. */
  async start(): Promise<void> {
    const id = this.conversation.sessionId;
    if (id === null) await this.init();
    else await this.restore(id);
    if (this.env.visible()) this.own();
  }

  private async restore(id: string): Promise<void> {
    try {
      const answer = await this.env.http.restore(id, this.env.url());
      if (this.conversation.sessionId !== id) return;
      this.conversation.transcript.reset(answer.history);
      this.adopt(answer);
      this.emit({ name: "restored", how: "full" });
    } catch (error) {
      const { code } = error as HttpError;
      // When it is unreachable, the socket will bring what is missing as soon as there is one.
      this.emit({ name: "restored", how: "cached" });
      this.refused(code);
      if (this.conversation.sessionId === null) await this.init();
    }
  }

  /** A fresh session, once at a time. False when the server cannot be asked now. */
  init(): Promise<boolean> {
    this.starting ??= this.requestSession().finally(() => {
      this.starting = null;
    });
    return this.starting;
  }

  private async requestSession(): Promise<boolean> {
    const { continues } = this.conversation;
    const visitorId = this.env.visitorId();
    const prior = this.conversation.prior();
    try {
      const answer = await this.env.http.init({
        websiteUrl: this.env.url(),
        ...(visitorId === null ? {} : { visitorId }),
        ...(continues === null ? {} : { continues }),
        ...(prior.length === 0 ? {} : { priorHistory: prior }),
      });
      this.conversation.continues = null;
      this.adopt(answer);
      this.emit({ name: "restored", how: "new" });
      if (this.isOwner) void this.connection.rejoin();
      return true;
    } catch (error) {
      const { code, retryAfterMs } = error as HttpError;
      this.refused(code);
      if (this.notice !== "refused") this.later("init", retryAfterMs ?? INIT_RETRY_MS, () => void this.init());
      return false;
    }
  }

  private adopt(answer: InitAnswer): void {
    this.conversation.adopt(answer);
    this.tabs.tell({ type: "history" });
    this.emit({ name: "config", config: answer.siteConfig ?? {} });
    this.changed();
  }

  private retire(): void {
    this.isJoined = false;
    this.conversation.retire();
    this.changed();
  }

  // What the visitor does.

  say(text: string): void {
    if (this.readOnly) return;
    this.checkStorage();
    this.used();
    this.outbox.add({ clientMessageId: this.env.uuid(), text, ts: this.env.now() });
    void this.outbox.flush();
  }

  /** The visitor does something in this tab: it should be the one that owns the socket. */
  used(): void {
    this.lastUsed = this.env.now();
    if (!this.readOnly) this.own();
  }

  clear(): void {
    this.wipe(false);
    this.tabs.tell({ type: "cleared" });
    this.emit({ name: "cleared" });
  }

  /** Erase the conversation on the server, then here. False when the server could not be asked. */
  async forget(): Promise<boolean> {
    const sessionId = this.conversation.sessionId;
    if (sessionId !== null) {
      try {
        await this.env.http.forget(sessionId);
      } catch (error) {
        const { code } = error as HttpError;
        if (code !== "session_not_found" && code !== "session_deleted") {
          this.refused(code);
          return false;
        }
      }
      this.tabs.tell({ type: "deleted", sessionId });
    }
    this.wipe(true);
    this.emit({ name: "cleared" });
    return true;
  }

  // Which tab owns the socket.

  own(): void {
    if (this.isOwner) return;
    this.isOwner = true;
    this.mirrored = null;
    this.outbox.reload();
    this.tabs.tell({ type: "owner" });
    this.connection.open();
  }

  private disown(): void {
    this.isOwner = false;
    this.isJoined = false;
    this.downSince = 0;
    this.connection.close();
    this.settle();
  }

  /** The page is about to be frozen or left. */
  leave(): void {
    const owned = this.isOwner;
    this.disown();
    if (owned) this.tabs.tell({ type: "bye" });
  }

  /** The page is shown (again): by a switch of tabs, from the back/forward cache, after a sleep, back online. */
  wake(): void {
    this.checkStorage();
    if (this.env.visible()) this.own();
    if (this.isOwner && !this.connection.connected) this.connection.open();
    void this.outbox.flush();
  }

  // What the server says.

  up(): void {
    this.downSince = 0;
    if (this.conversation.sessionId === null) void this.init();
    this.settle();
  }

  down(): void {
    this.isJoined = false;
    if (!this.isOwner) return;
    if (this.downSince === 0) this.downSince = this.env.now();
    this.settle();
    this.later("http", HTTP_AFTER_MS, () => void this.outbox.flush());
  }

  joined(joined: Joined): void {
    const { transcript, sessionId } = this.conversation;
    if (joined.sessionId !== sessionId) return;
    this.isJoined = true;
    if (joined.truncated && transcript.wouldGap(joined.history[0]?.seq ?? 0)) transcript.reset([]);
    this.take(joined.history);
    transcript.resume(joined.streams ?? []);
    this.setTyping(false);
    this.settle();
    void this.outbox.flush();
  }

  message(message: Message): void {
    if (this.conversation.transcript.wouldGap(message.seq)) void this.refetch();
    else this.take([message]);
  }

  chunk(chunk: Chunk): void {
    const { transcript } = this.conversation;
    if (!transcript.chunk(chunk) || transcript.stream === null) return;
    this.setTyping(false);
    this.tabs.tell({ type: "stream", stream: transcript.stream });
    this.changed();
  }

  done(done: StreamDone): void {
    this.conversation.transcript.done(done);
    this.setTyping(false);
    this.tabs.tell({ type: "stream", stream: null });
    this.message(done.message);
    this.changed();
  }

  takenOver(sessionId: string, readOnlyMs: number): void {
    if (sessionId !== this.conversation.sessionId) return;
    const inUse = this.env.visible() && this.env.now() - this.lastUsed < IN_USE_MS;
    this.disown();
    if (!inUse) return;
    this.readOnly = true;
    this.notice = "taken-over";
    this.emit({ name: "taken-over" });
    this.changed();
    this.later("read-only", readOnlyMs, () => {
      this.readOnly = false;
      this.settle();
    });
  }

  expired(sessionId: string): void {
    if (sessionId === this.conversation.sessionId) this.retire();
  }

  deleted(sessionId: string): void {
    if (sessionId === this.conversation.sessionId) this.wipe(true);
  }

  refused(code: string): void {
    if (code === "session_not_found" || code === "invalid_session_id") {
      this.retire();
    } else if (code === "session_deleted") {
      this.wipe(true);
    } else if (code === "not_owner") {
      this.disown();
    } else {
      this.emit({ name: "error", code });
      this.settle(NOTICES[code]);
    }
  }

  /** The server has stored what this visitor said. */
  async stored(message: Message): Promise<void> {
    if (message.seq > this.conversation.transcript.seq) this.setTyping(true);
    if (this.conversation.transcript.wouldGap(message.seq)) await this.refetch();
    else this.take([message]);
  }

  private async refetch(): Promise<void> {
    const { sessionId, transcript } = this.conversation;
    if (sessionId === null) return;
    try {
      const messages = await this.env.http.messages(sessionId, transcript.seq);
      if (this.conversation.sessionId === sessionId) this.take(messages);
    } catch {
      // The next message, join or restore meets the same gap and asks again.
    }
  }

  /** Messages of the session, from wherever they come. */
  private take(messages: readonly Message[]): void {
    const fresh = this.conversation.transcript.merge(messages);
    for (const message of fresh) {
      if (message.clientMessageId !== undefined) this.outbox.remove(message.clientMessageId);
      this.emit({ name: message.role === "visitor" ? "message" : "reply", message });
    }
    if (fresh.length > 0) this.conversation.touch();
    this.conversation.save();
    this.tabs.tell({ type: "history" });
    this.changed();
  }

  // What other tabs say.

  tellWidget(): void {
    this.tabs.tell({ type: "widget" });
  }

  storageChanged(key: string | null): void {
    this.tabs.storageChanged(key);
  }

  private heard(hint: Hint): void {
    switch (hint.type) {
      case "history":
        this.mirrored = null;
        if (this.conversation.follow()) {
          this.isJoined = false;
          if (this.isOwner) void this.connection.rejoin();
        }
        break;
      case "outbox":
        this.outbox.reload();
        if (this.isOwner) void this.outbox.flush();
        break;
      case "stream":
        if (!this.isOwner) this.mirrored = hint.stream;
        break;
      case "owner":
        // Two sockets are sorted out by the server. One that is down must not come back and take over unasked.
        if (this.isOwner && !this.connection.connected) this.disown();
        break;
      case "cleared":
        this.wipe(false);
        this.emit({ name: "cleared" });
        break;
      case "deleted":
        this.deleted(hint.sessionId);
        break;
      case "bye":
        if (this.env.visible() || this.outbox.messages.length > 0) this.own();
        break;
      case "widget":
        this.emit({ name: "widget" });
    }
    this.changed();
  }

  private checkStorage(): void {
    if (!this.conversation.wasCleared()) return;
    this.wipe(false);
    this.emit({ name: "cleared" });
  }

  /** Forget the conversation here. The next message starts a session that knows nothing of it. */
  private wipe(everything: boolean): void {
    this.isJoined = false;
    this.mirrored = null;
    this.conversation.forget(everything);
    this.outbox.clear();
    this.setTyping(false);
    this.changed();
  }

  private setTyping(on: boolean): void {
    if (on === this.typing) return;
    this.typing = on;
    this.emit({ name: "typing", on });
    if (on) this.later("typing", TYPING_MS, () => this.setTyping(false));
    this.changed();
  }

  /** The notice that fits the state of things. */
  private settle(kind?: NoticeKind): void {
    if (this.readOnly) return;
    const away = this.isOwner && this.downSince !== 0;
    this.notice = kind ?? (!away ? null : this.env.online() ? "reconnecting" : "offline");
    this.changed();
  }

  private later(name: string, ms: number, action: () => void): void {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(action, ms));
  }

  private changed(): void {
    this.emit({ name: "change" });
  }

  destroy(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.connection.close();
    this.tabs.close();
  }
}

const NOTICES: Record<string, NoticeKind> = {
  host_not_registered: "refused",
  origin_required: "refused",
  rate_limited: "rate-limited",
  store_unavailable: "unavailable",
};
