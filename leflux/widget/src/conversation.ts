// The local half of the conversation: which session it is, what is known of it, and how that is kept.

import { Transcript } from "./history.js";
import type { BrowserStore, SessionMeta } from "./storage.js";
import type { InitAnswer } from "./wire.js";

const DAY_MS = 24 * 3600 * 1000;
const PRIOR_MAX = 50;
const READ_ONLY_MS = 3_000;

export class Conversation {
  readonly transcript = new Transcript();
  sessionId: string | null = null;
  /** The session that this browser saw last, when the server has let it go. */
  continues: string | null = null;
  private meta: SessionMeta | null = null;

  constructor(
    private readonly store: BrowserStore,
    private readonly now: () => number,
  ) {}

  get readOnlyMs(): number {
    return this.meta?.readOnlyMs ?? READ_ONLY_MS;
  }

  /** Read what the browser kept. False: it is older than the site allows, and was forgotten. */
  load(): boolean {
    const meta = this.store.session();
    // A clock that was set back makes the last activity lie ahead; that is no reason to forget it.
    if (meta !== null && this.now() - meta.lastActivity > meta.clientTtlMs) {
      this.store.forget(false);
      return false;
    }
    this.meta = meta;
    this.sessionId = this.store.sessionId();
    this.reread();
    if (this.sessionId === null && !this.transcript.isEmpty) this.transcript.retire();
    return true;
  }

  /** Another tab has changed what is kept. True: it has moved to another session. */
  follow(): boolean {
    const id = this.store.sessionId();
    const moved = id !== null && id !== this.sessionId;
    if (moved) {
      this.sessionId = id;
      this.meta = this.store.session();
      this.transcript.clear();
    }
    this.reread();
    return moved;
  }

  private reread(): void {
    const history = this.store.history();
    this.transcript.merge(history.messages);
    this.transcript.past = history.past;
  }

  /** The session and the rules that the server answered with. */
  adopt(answer: InitAnswer): void {
    const { retention } = answer;
    const known = answer.sessionId === this.sessionId ? this.meta : null;
    this.sessionId = answer.sessionId;
    this.meta = {
      createdAt: answer.createdAt,
      lastActivity: known?.lastActivity ?? this.now(),
      seq: this.transcript.seq,
      clientTtlMs: retention?.clientTtlMs ?? DAY_MS,
      readOnlyMs: retention?.readOnlyMs ?? READ_ONLY_MS,
    };
    this.save();
  }

  touch(): void {
    if (this.meta !== null) this.meta.lastActivity = this.now();
  }

  save(): void {
    if (this.meta === null) return;
    this.meta.seq = this.transcript.seq;
    if (this.sessionId !== null) this.store.saveSession(this.sessionId, this.meta);
    this.store.saveHistory({ messages: this.transcript.messages, past: this.transcript.past });
  }

  /** The server has let the session go: what was said stays in sight, the next message starts another one. */
  retire(): void {
    this.continues = this.sessionId;
    this.sessionId = null;
    this.transcript.retire();
    this.store.dropSessionId();
    this.save();
  }

  /** What a fresh session tells the agent of the time before it. */
  prior(): { role: string; text: string }[] {
    return this.transcript.past.slice(-PRIOR_MAX).map(({ role, text }) => ({ role, text }));
  }

  /** Somebody cleared the browser's storage under us. */
  wasCleared(): boolean {
    return this.store.persistent && this.meta !== null && this.sessionId !== null && this.store.sessionId() === null;
  }

  /** Forget the conversation; with `everything`, what the visitor told us too. */
  forget(everything: boolean): void {
    this.sessionId = null;
    this.continues = null;
    this.meta = null;
    this.transcript.clear();
    this.store.forget(everything);
  }
}
