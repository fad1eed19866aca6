// The local half of the conversation: which session it is, what is known of it, and how that is kept.

import { Transcript } from "./history.js";
import type { BrowserStore, SessionMeta } from "./storage.js";
import type { Message } from "./types.js";
import type { InitAnswer } from "./wire.js";

const DAY_MS = 24 * 3600 * 1000;
const PRIOR_MAX = 50;
/** Keeps an init body under the server's cap, whatever alphabet the visitor writes in. */
const PRIOR_CHARS = 40_000;
const READ_ONLY_MS = 3_000;

export type Followed = { moved: boolean; fresh: Message[] };

export class Conversation {
  readonly transcript = new Transcript();
  sessionId: string | null = null;
  private meta: SessionMeta | null = null;
  private kept = false;
  /** How often the conversation was dropped: what was asked for before belongs to none. */
  drops = 0;
  /** The session that was cleared: the storage may still name it, for what another tab erased reaches this one later. */
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

  /** The session that this browser saw last, when the server has let it go. */
  get continues(): string | null {
    return this.meta?.continues ?? null;
  }

  /** Older than the site allows it to be kept. */
  get isStale(): boolean {
    return this.meta !== null && this.now() - this.meta.lastActivity > (this.meta.clientTtlMs ?? DAY_MS);
  }

  /** Read what the browser kept. False: it is older than the site allows, and was forgotten. */
  load(): boolean {
    this.meta = this.store.session();
    if (this.isStale) {
      this.forget(false);
      this.store.dropWidget();
      return false;
    }
    // A clock that was set back makes the last activity lie ahead; its time is counted from now.
    if (this.meta !== null && this.meta.lastActivity > this.now()) this.meta.lastActivity = this.now();
    this.sessionId = this.store.sessionId();
    this.kept = this.sessionId !== null;
    this.reread();
    if (this.sessionId === null) this.transcript.retire();
    return true;
  }

  /** Another tab may have changed what is kept: take that over. */
  follow(): Followed {
    const id = this.store.sessionId();
    const meta = this.store.session();
    const nothing = !this.store.persistent || this.store.isEmpty();
    // Records are written and erased one by one: a history without a session is on its way in or out.
    const isPartial = meta === null && (id === null || id !== this.sessionId);
    if (nothing || isPartial || this.eraseGone()) return { moved: false, fresh: [] };
    const moved = id !== this.sessionId;
    this.meta = meta ?? this.meta;
    if (moved) {
      this.sessionId = id;
      this.kept = id !== null;
      this.transcript.clear();
    }
    return { moved, fresh: this.reread() };
  }

  /** A tab that had not heard of the clearing yet may have written the session back. True: so it was. */
  eraseGone(): boolean {
    const isBack = this.gone !== null && this.store.sessionId() === this.gone;
    if (isBack) this.store.forgetSession();
    return isBack;
  }

  private reread(): Message[] {
    const { messages, past } = this.store.history();
    this.transcript.past = past;
    // A cache that lags behind what this tab knows already must not take anything away from it.
    const behind = (messages[messages.length - 1]?.seq ?? 0) < this.transcript.seq;
    return behind ? [] : this.transcript.merge(messages);
  }

  /** The session and the rules that the server answered with. */
  adopt({ sessionId, createdAt, retention }: InitAnswer): void {
    const known = sessionId === this.sessionId ? this.meta : null;
    this.sessionId = sessionId;
    this.meta = {
      createdAt,
      lastActivity: known?.lastActivity ?? this.now(),
      seq: this.transcript.seq,
      ...(retention ?? {}),
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
    // The session comes last: a tab that sees it change finds the history that belongs to it.
    this.store.saveHistory({ messages: transcript.messages, past: transcript.past });
    const kept = this.store.saveSession(this.sessionId, meta);
    this.kept = this.sessionId !== null && kept;
  }

  /** The server has let the session go: what was said stays in sight, the next message starts another one. */
  retire(): void {
    if (this.sessionId === null) return;
    this.meta ??= { createdAt: this.now(), lastActivity: this.now(), seq: 0 };
    this.meta.continues = this.sessionId;
    this.sessionId = null;
    this.transcript.retire();
    this.save();
  }

  /** What a fresh session tells the agent of the time before it. */
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

  /** Somebody cleared the browser's storage under us. */
  wasCleared(): boolean {
    return this.store.persistent && this.kept && this.store.isEmpty();
  }

  /** Forget the conversation; with `everything`, what the visitor told us too. */
  forget(everything: boolean): void {
    this.drop();
    this.store.forget(everything);
  }

  /** Forget it in this tab: what is kept belongs to whoever cleared it, and may be the next conversation already. */
  drop(): void {
    this.drops += 1;
    this.gone = this.sessionId ?? this.gone;
    this.sessionId = null;
    this.meta = null;
    this.kept = false;
    this.transcript.clear();
  }
}
