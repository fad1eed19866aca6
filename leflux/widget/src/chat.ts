// The conversation in one tab: paint what is cached, restore, connect, send, and survive whatever happens between.
//
// The server's store is the truth; localStorage is what all tabs of this browser have in common; the socket and the
// channel only bring news of either.

import { Conversation } from "./conversation.js";
import type { ChatEvent, Desk, Env } from "./env.js";
import { Outbox } from "./outbox.js";
import { followTasks, Progress } from "./progress.js";
import { Seat } from "./seat.js";
import { Sync } from "./sync.js";
import type { Cleared, Hint } from "./tabs.js";
import type { Message, NoticeKind, ShownMessage } from "./types.js";
import { Visitor } from "./visitor.js";
import { EVENTS } from "./wire.js";

export const MAX_CHARS = 5_000;

export class Chat implements Desk {
  readonly conversation: Conversation;
  readonly outbox: Outbox;
  readonly progress = new Progress();
  readonly sync: Sync;
  readonly visitor: Visitor;

  private readonly seat: Seat;
  private readonly listeners = new Set<(event: ChatEvent) => void>();

  constructor(private readonly env: Env) {
    this.conversation = new Conversation(env.store, env.now);
    this.visitor = new Visitor(env.store, env.remembers, env.now);
    this.outbox = new Outbox(env.store, {
      deliver: (pending) => this.sync.deliver(pending),
      isStored: (id) => this.conversation.transcript.has(id),
      changed: (done) => {
        env.tabs.tell({ type: "outbox", done });
        this.changed();
      },
    });
    this.sync = new Sync(env, this.conversation, this);
    this.seat = new Seat(env, this, () => this.conversation.readOnlyMs);
    env.tabs.hear((hint) => this.heard(hint));
    this.listen();
  }

  private listen(): void {
    this.sync.connection.on(EVENTS.takenOver, (event: { sessionId: string; readOnlyMs: number }) => {
      if (event.sessionId === this.conversation.sessionId) this.lost(event.readOnlyMs);
    });
    followTasks(this.sync.connection, this.progress, this.sync, this);
  }

  /** Returns the way to stop listening. */
  on(listener: (event: ChatEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(event: ChatEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }

  changed(): void {
    this.emit({ name: "change" });
  }

  get isOwner(): boolean {
    return this.seat.isOwner;
  }
  get isInUse(): boolean {
    return this.seat.isInUse;
  }
  get readOnly(): boolean {
    return this.seat.readOnly;
  }
  get hasWaiting(): boolean {
    return this.outbox.waits;
  }

  get isReplyDue(): boolean {
    return this.conversation.transcript.isReplyDue(this.env.now());
  }

  get notice(): NoticeKind | null {
    if (this.readOnly) return "taken-over";
    if (this.isOwner && this.sync.isDown && !this.env.online()) return "offline";
    if (this.sync.trouble !== null) return this.sync.trouble;
    if (this.isOwner && this.sync.isDown) return "reconnecting";
    return this.outbox.messages.some(({ failed }) => failed === "invalid_message") ? "too-long" : null;
  }

  get shown(): ShownMessage[] {
    return this.conversation.transcript.shown(this.outbox.messages, this.env.now());
  }

  /** Read the cache, so that it can be painted before the network is asked. */
  load(): void {
    if (!this.conversation.load()) this.outbox.reset();
  }

  // What the visitor does.

  /** Returns the message's `clientMessageId`, or null when it was not taken. */
  say(text: string): string | null {
    if (this.readOnly || text.trim() === "") return null;
    if (text.length > MAX_CHARS && [...text].length > MAX_CHARS) {
      this.sync.trouble = "too-long";
      this.emit({ name: "error", code: "invalid_message" });
      this.changed();
      return null;
    }
    this.checkStorage();
    this.visitor.answer(this.conversation.transcript.last, text, this.conversation.userDataTtlMs);
    const [clientMessageId, ts] = [this.env.uuid(), this.env.now()];
    if (this.env.preview) {
      const seq = this.conversation.transcript.seq + 1;
      this.took(this.conversation.transcript.merge([{ id: clientMessageId, seq, role: "visitor", text, ts, clientMessageId }]));
    } else {
      this.outbox.add({ clientMessageId, text, ts });
      this.used();
      this.flush();
    }
    return clientMessageId;
  }

  flush(): void {
    void this.outbox.flush();
  }

  setVisitorData(data: Record<string, string>): void {
    this.visitor.tell(data, this.conversation.userDataTtlMs);
  }

  /** The visitor does something in this tab: it should be the one that owns the conversation. */
  used(): void {
    this.seat.used();
  }

  /** Forget the conversation here and in the storage. The next message starts a session that knows nothing of it. */
  clear(everything = false): void {
    this.conversation.forget(everything);
    this.env.tabs.tell({ type: "cleared", at: this.env.now(), done: this.outbox.clear() });
    this.reset();
  }

  /** Erase the conversation on the server, then here. False when the server could not be asked. */
  async forget(): Promise<boolean> {
    const { sessionId } = this.conversation;
    const isErased = sessionId === null || (await this.sync.erase(sessionId));
    if (isErased) this.deleted(sessionId);
    return isErased;
  }

  confirm(confirmed: boolean): void {
    const { kind, actionId } = this.progress.answered();
    if (confirmed && kind === "missing") this.emit({ name: "proceed" });
    else void this.sync.ask(EVENTS.confirm, { confirmed, actionId });
    this.changed();
  }

  // Which tab owns the conversation.

  attend(): void {
    this.seat.attend();
  }

  /** The page is shown (again): by a switch of tabs, from the back/forward cache, after a sleep, back online. */
  wake(): void {
    this.env.tabs.open();
    this.checkStorage();
    this.follow();
    this.seat.seen();
    this.sync.wake();
    this.flush();
  }

  /** The page is about to be frozen or left. */
  leave(): void {
    this.seat.leave();
    this.env.tabs.close();
  }

  granted(): void {
    this.outbox.reload();
    void this.sync.start().then(() => this.flush());
  }

  hangUp(): void {
    this.sync.stop();
  }

  takenOver(): void {
    this.emit({ name: "taken-over" });
  }

  lost(readOnlyMs: number = this.conversation.readOnlyMs): void {
    this.seat.giveUp(readOnlyMs);
  }

  // What other tabs say, and what became of the storage.

  private heard(hint: Hint): void {
    const { transcript } = this.conversation;
    if (hint.type === "history") this.follow();
    else if (hint.type === "outbox") this.outboxChanged(hint.done);
    else if (hint.type === "widget") this.emit({ name: "widget" });
    else if (hint.type === "cleared") this.clearedElsewhere(hint);
    else if (hint.type === "done") transcript.ended(hint.streamId, hint);
    else if (hint.type === "stream" && !this.isOwner && hint.sessionId === this.conversation.sessionId) {
      transcript.stream = hint.stream;
      this.sync.setTyping(hint.typing);
    }
    this.changed();
  }

  /** A `storage` event: another tab wrote `key`, or (null) cleared everything. */
  storageChanged(key: string | null): void {
    if (key === null || this.conversation.wasCleared()) return this.reset();
    this.follow();
    this.outboxChanged([]);
    this.emit({ name: "widget" });
  }

  private outboxChanged(done: readonly string[]): void {
    this.outbox.forget(done);
    this.outbox.reload();
    if (this.isOwner) this.flush();
    this.attend();
    this.changed();
  }

  follow(): boolean {
    const { moved, fresh } = this.conversation.follow();
    if (moved) {
      this.sync.leave();
      void this.sync.rejoin();
    }
    this.announce(fresh);
    this.changed();
    return moved;
  }

  checkStorage(): boolean {
    const isStale = this.conversation.isStale;
    if (!isStale && !this.conversation.wasCleared()) return false;
    if (isStale) this.clear();
    else this.reset();
    return true;
  }

  took(fresh: readonly Message[]): void {
    if (fresh.length > 0 && this.sync.isJoined) this.conversation.touch();
    this.conversation.save();
    this.outbox.remove(...fresh.flatMap(({ clientMessageId }) => clientMessageId ?? []));
    this.announce(fresh);
    this.saved();
  }

  private announce(fresh: readonly Message[]): void {
    for (const message of fresh) this.emit({ name: message.role === "visitor" ? "message" : "reply", message });
  }

  saved(): void {
    this.env.tabs.tell({ type: "history" });
    this.changed();
  }

  deleted(sessionId: string | null): void {
    if (sessionId === this.conversation.sessionId) this.clear(true);
  }

  /** Forget the conversation in this tab, and take up the one that is kept now. */
  private reset(): void {
    this.drop();
    this.follow();
  }

  /** What is kept now is not taken up, for this tab may see the erasure later than the hint. */
  private clearedElsewhere({ done, at }: Cleared): void {
    this.outbox.drop(done, at);
    this.drop();
    this.conversation.eraseGone();
  }

  private drop(): void {
    this.sync.leave();
    this.sync.setTyping(false);
    this.progress.end();
    this.conversation.drop();
    this.outbox.reset();
    this.emit({ name: "cleared" });
  }

  destroy(): void {
    this.seat.destroy();
    this.outbox.stop();
    this.env.tabs.close();
  }
}
