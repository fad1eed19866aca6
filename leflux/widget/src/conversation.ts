// The local state of the conversation: its session, its transcript, and their records in the storage.

import type { BrowserStore, SessionMeta } from "./browser-store.js";
import { uuid } from "./identity.js";
import type { InitAnswer } from "./protocol.js";
import { Transcript } from "./transcript.js";
import type { Message } from "./types.js";

const DAY_MS = 24 * 3600 * 1000;
const PRIOR_MAX = 50;
/** Keeps an init body below the server's size limit, whatever script the visitor writes in. */
const PRIOR_CHARS = 40_000;
const READ_ONLY_MS = 3_000;
/** How many earlier sessions of a conversation can be erased with it. */
const EARLIER_MAX = 50;
/** Clocks that differ by less count as equal. */
const CLOCK_MS = 300_000;
/** The default for a server that does not send its limit. */
const MESSAGE_CHARS = 5_000;

export type Reloaded = { moved: boolean; fresh: Message[] };

export class Conversation {
  readonly transcript = new Transcript();
  sessionId: string | null = null;
  private meta: SessionMeta | null = null;
  /** The longest message that the server accepts, in code points. Clearing the conversation keeps it. */
  messageChars = MESSAGE_CHARS;
  private kept = false;
  /** The key of the marks in addresses. It stays in this browser, and ends with the conversation. */
  key = uuid();
  /** How far the server's clock is ahead of this browser's, in ms, as soon as it is known; 0 while they nearly agree. */
  get clockOffset(): number {
    return this.meta?.clockOffset ?? 0;
  }

  /** Takes over the server's time of something that has just happened. */
  setClock(serverNow: number): void {
    if (this.meta === null || !Number.isFinite(serverNow)) return;
    const offset = serverNow - this.now();
    this.meta.clockOffset = Math.abs(offset) < CLOCK_MS ? 0 : offset;
  }

  /** How often the conversation was dropped; an answer to a request from before a drop is stale. */
  drops = 0;
  /** The session that was cleared. The storage may still name it, because another tab's deletion arrives with a delay. */
  private gone: string | null = null;

  constructor(
    private readonly store: BrowserStore,
    private readonly now: () => number,
  ) {}

  get readOnlyMs(): number {
    return this.meta?.readOnlyMs ?? READ_ONLY_MS;
  }

  get userDataTtlMs(): number {
    return this.meta?.userDataTtlMs ?? 30 * DAY_MS;
  }

  /** The previous session, if the server evicted it. */
  get continues(): string | null {
    return this.meta?.continues ?? null;
  }

  /** Every session of the conversation. */
  get sessionIds(): string[] {
    return [...(this.meta?.earlier ?? []), ...(this.sessionId === null ? [] : [this.sessionId])];
  }

  /** True when the conversation is older than the site allows the browser to keep it. */
  get isStale(): boolean {
    return this.meta !== null && this.now() - this.meta.lastActivity > (this.meta.clientTtlMs ?? DAY_MS);
  }

  /** Loads the stored conversation. Returns false when it was too old and has been deleted. */
  load(): boolean {
    this.meta = this.store.session();
    this.key = this.meta?.key ?? this.key;
    this.messageChars = this.meta?.messageChars ?? MESSAGE_CHARS;
    if (this.isStale) {
      this.forget(false);
      this.store.dropWidget();
      return false;
    }
    // After the clock was set back, the last activity lies in the future: count from now.
    if (this.meta !== null && this.meta.lastActivity > this.now()) this.meta.lastActivity = this.now();
    this.sessionId = this.store.sessionId();
    this.kept = this.sessionId !== null;
    this.reread();
    if (this.sessionId === null) this.transcript.retire();
    return true;
  }

  /** Loads what other tabs have stored. */
  reload(): Reloaded {
    const id = this.store.sessionId();
    const meta = this.store.session();
    const nothing = !this.store.persistent || this.store.isEmpty();
    // Records are written and deleted one by one: a history without a session is incomplete.
    const isPartial = meta === null && (id === null || id !== this.sessionId);
    if (nothing || isPartial || this.eraseGone()) return { moved: false, fresh: [] };
    const moved = id !== this.sessionId;
    this.meta = meta ?? this.meta;
    this.key = meta?.key ?? this.key;
    this.messageChars = meta?.messageChars ?? this.messageChars;
    if (moved) {
      this.sessionId = id;
      this.kept = id !== null;
      this.transcript.clear();
    }
    return { moved, fresh: this.reread() };
  }

  /** Deletes a cleared session that another tab has written back. Returns true when there was one. */
  eraseGone(): boolean {
    const isBack = this.gone !== null && this.store.sessionId() === this.gone;
    if (isBack) this.store.forgetSession();
    return isBack;
  }

  private reread(): Message[] {
    const { messages, past } = this.store.history();
    this.transcript.past = past;
    // A stored history older than this tab's transcript must not remove messages.
    const behind = (messages[messages.length - 1]?.seq ?? 0) < this.transcript.seq;
    return behind ? [] : this.transcript.merge(messages);
  }

  /** Takes over the session and settings of the server's answer. */
  adopt({ sessionId, createdAt, retention, limits }: InitAnswer): void {
    const known = sessionId === this.sessionId ? this.meta : null;
    this.sessionId = sessionId;
    const [chars = MESSAGE_CHARS] = [limits?.messageChars].filter(isPositive);
    this.messageChars = chars;
    const earlier = this.meta?.earlier ?? [];
    const kept = Object.entries(retention ?? {}).filter(([, ms]) => isPositive(ms));
    this.meta = {
      createdAt: isPositive(createdAt) ? createdAt : this.now(),
      lastActivity: known?.lastActivity ?? this.now(),
      seq: this.transcript.seq,
      key: this.key,
      ...(earlier.length === 0 ? {} : { earlier }),
      ...(known?.clockOffset === undefined ? {} : { clockOffset: known.clockOffset }),
      ...Object.fromEntries(kept),
      messageChars: this.messageChars,
    };
    this.store.shortenUserData(this.now() + this.userDataTtlMs);
    this.save();
  }

  touch(): void {
    if (this.meta !== null) this.meta.lastActivity = this.now();
  }

  save(): void {
    const { meta, transcript } = this;
    if (meta === null) return;
    meta.seq = transcript.seq;
    // Write the session last: a tab that sees it change then finds the matching history.
    this.store.saveHistory({ messages: transcript.messages, past: transcript.past });
    const kept = this.store.saveSession(this.sessionId, meta);
    this.kept = this.sessionId !== null && kept;
  }

  /** The server has evicted the session: its messages stay visible, and the next message starts a new session. */
  retire(): void {
    if (this.sessionId === null) return;
    this.meta ??= { createdAt: this.now(), lastActivity: this.now(), seq: 0 };
    this.meta.continues = this.sessionId;
    this.meta.earlier = [...(this.meta.earlier ?? []), this.sessionId].slice(-EARLIER_MAX);
    this.sessionId = null;
    this.transcript.retire();
    this.save();
  }

  /** The recent messages of earlier sessions, for the agent of a new session. */
  prior(): { role: string; text: string }[] {
    const prior: { role: string; text: string }[] = [];
    let room = PRIOR_CHARS;
    for (const { role, text } of this.transcript.past.slice(-PRIOR_MAX).reverse()) {
      room -= text.length;
      if (room < 0) break;
      prior.unshift({ role, text });
    }
    return prior;
  }

  /** True when the browser's storage was cleared while the conversation was stored there. */
  wasCleared(): boolean {
    return this.store.persistent && this.kept && this.store.isEmpty();
  }

  /** Deletes the conversation, and with `everything` also the visitor's data. */
  forget(everything: boolean): void {
    this.drop();
    this.store.forget(everything);
  }

  /** Drops the conversation in this tab only: the storage may already hold the next one. */
  drop(): void {
    this.drops += 1;
    this.gone = this.sessionId ?? this.gone;
    this.sessionId = null;
    this.meta = null;
    this.kept = false;
    this.key = uuid();
    this.transcript.clear();
  }
}

function isPositive(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) > 0;
}
