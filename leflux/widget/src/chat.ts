// The conversation in one tab: shows the cached messages, restores the session, connects, sends and recovers.
//
// The server's store is the source of truth. The tabs of a browser share state through localStorage. The socket and the
// tabs' channel only notify of changes in either.

import { Conversation } from "./conversation.js";
import type { Env } from "./env.js";
import { Emitter } from "./events.js";
import type { ChatHost } from "./host.js";
import { noticeOf } from "./notices.js";
import { Outbox } from "./outbox.js";
import { PageReader } from "./page-reader.js";
import { EVENTS } from "./protocol.js";
import { SendingWatch } from "./sending-watch.js";
import { ServerSync } from "./server-sync.js";
import { TabLeadership } from "./tab-leadership.js";
import type { Cleared, Hint } from "./tabs.js";
import { followTasks, Progress } from "./task-progress.js";
import { TaskTabs } from "./task-tabs.js";
import { countChars, wellFormed } from "./text.js";
import type { Message, NoticeKind, ShownMessage } from "./types.js";
import { VisitorData } from "./visitor-data.js";

export class Chat extends Emitter implements ChatHost {
  readonly conversation: Conversation;
  readonly outbox: Outbox;
  readonly progress = new Progress();
  readonly sync: ServerSync;
  readonly visitor: VisitorData;
  readonly tasks: TaskTabs;
  readonly page: PageReader;
  private readonly leadership: TabLeadership;
  private readonly sending = new SendingWatch(() => this.changed());

  constructor(private readonly env: Env) {
    super();
    this.conversation = new Conversation(env.store, env.now);
    this.visitor = new VisitorData(env.store, env.keepsUserData, env.now);
    this.outbox = new Outbox(env.store, {
      send: (pending, tries) => this.sync.send(pending, tries),
      isStored: (id) => this.conversation.transcript.has(id),
      changed: (done) => {
        env.tabs.send({ type: "outbox", done });
        this.sending.update(this.hasWaiting);
        this.changed();
      },
    });
    this.page = new PageReader(env, this);
    this.sync = new ServerSync(env, this.conversation, this);
    this.leadership = new TabLeadership(env, this, () => this.conversation.readOnlyMs);
    this.tasks = new TaskTabs(env, this.progress, this);
    env.tabs.onHint((hint) => this.heard(hint));
    this.listen();
  }

  private listen(): void {
    this.sync.connection.on(EVENTS.takenOver, (event: { sessionId: string; readOnlyMs: number }) => {
      if (event.sessionId === this.conversation.sessionId) this.lost(event.readOnlyMs);
    });
    followTasks(this.sync.connection, this.progress, this.sync, this);
  }

  get isLeader(): boolean { return this.leadership.isLeader; }
  get isInUse(): boolean { return this.leadership.isInUse; }
  get readOnly(): boolean { return this.leadership.readOnly; }
  get hasWaiting(): boolean { return this.outbox.waits; }

  /** A message has not been stored yet, or a reply is awaited. */
  get isDue(): boolean {
    return this.hasWaiting || this.conversation.transcript.isReplyDue(this.env.now() + this.conversation.clockOffset);
  }

  get notice(): NoticeKind | null {
    return noticeOf(this, this.env.online(), this.sending.isStuck);
  }

  get shown(): ShownMessage[] {
    return this.conversation.transcript.shown(this.outbox.messages, this.env.now(), this.conversation.clockOffset);
  }

  /** Loads the cached conversation, for a first paint without the network. */
  load(): void {
    if (!this.conversation.load()) this.outbox.reset();
    if (this.conversation.sessionId !== null) this.tasks.load();
  }

  /** Queues a message. Returns its `clientMessageId`, or null when the text is not accepted. */
  say(typed: string): string | null {
    const text = wellFormed(typed);
    if (text.trim() === "") return null;
    if (countChars(text) > this.conversation.messageChars) {
      this.sync.problem = "too-long";
      this.emit({ name: "error", code: "invalid_message" });
      this.changed();
      return null;
    }
    this.checkStorage();
    const question = this.conversation.transcript.last;
    const [clientMessageId, ts] = [this.env.uuid(), this.env.now()];
    if (this.env.preview) {
      const seq = this.conversation.transcript.seq + 1;
      this.messagesAdded(this.conversation.transcript.merge([{ id: clientMessageId, seq, role: "visitor", text, ts, clientMessageId }]));
    } else {
      this.outbox.add({ clientMessageId, text, ts });
      this.visitor.saveAnswer(question, text, this.conversation.userDataTtlMs);
      this.used();
      this.flush();
    }
    return clientMessageId;
  }

  flush(): void {
    void this.outbox.flush();
  }

  setVisitorData(data: Record<string, string>): void {
    this.visitor.save(data, this.conversation.userDataTtlMs);
  }

  /** The visitor used this tab, so it should become the leader. */
  used(): void {
    this.leadership.used();
  }

  /** Deletes the conversation in this browser, save what other tabs were told since `at`. The next message starts anew. */
  clear(everything = true, at = this.env.now()): void {
    this.conversation.forget(everything);
    this.env.tabs.send({ type: "cleared", at, done: this.outbox.clear(), everything });
    this.drop(everything);
    this.reload();
  }

  forgetVisitor(): void {
    this.env.forgetVisitor();
  }

  confirm(confirmed: boolean): void {
    const { kind, actionId } = this.progress.answered();
    if (confirmed && kind === "missing") this.emit({ name: "proceed" });
    else void this.sync.ask(EVENTS.confirm, { confirmed, actionId });
    this.changed();
  }

  /** Ends the reply that is being written. A tab without the socket tells the one that has it. */
  stop(): void {
    if (this.isLeader) void this.sync.ask(EVENTS.stop, {});
    else this.env.tabs.send({ type: "stop-reply" });
  }

  updateCandidacy(): void {
    this.leadership.updateCandidacy();
  }

  /** The page is active again: by a switch of tabs, from the back/forward cache, after sleep, or back online. */
  wake(): void {
    this.env.tabs.open();
    this.tasks.wake();
    this.checkStorage();
    this.reload();
    this.leadership.seen();
    this.sync.wake();
    this.flush();
  }

  /** The page is about to be frozen or unloaded. */
  leave(): void {
    this.tasks.journal.leave();
    this.leadership.leave();
    this.env.tabs.close();
  }

  elected(): void {
    this.outbox.reload();
    void this.sync.start().then(() => this.flush());
  }

  disconnect(): void {
    this.sync.stop();
  }

  takenOver(): void {
    this.emit({ name: "taken-over" });
  }

  lost(readOnlyMs: number = this.conversation.readOnlyMs): void {
    this.leadership.stepDown(readOnlyMs);
  }

  private heard(hint: Hint): void {
    const { transcript } = this.conversation;
    if (hint.type === "history") this.reload();
    else if (hint.type === "outbox") this.outboxChanged(hint.done);
    else if (hint.type === "widget") this.emit({ name: "widget" });
    else if (this.tasks.heard(hint)) return;
    else if (hint.type === "stop-reply") this.isLeader && this.stop();
    else if (hint.type === "cleared") this.clearedElsewhere(hint);
    else if (hint.type === "done") transcript.ended(hint.streamId, hint);
    else if (hint.type === "stream" && !this.isLeader && hint.sessionId === this.conversation.sessionId) {
      transcript.stream = hint.stream;
      this.sync.setTyping(hint.typing);
    }
    this.changed();
  }

  /** Handles a `storage` event: another tab wrote `key`, or cleared the storage (null). */
  storageChanged(key: string | null): void {
    if (key === null || this.conversation.wasCleared()) {
      this.reset();
      return;
    }
    this.reload();
    this.outboxChanged([]);
    this.emit({ name: "widget" });
  }

  private outboxChanged(done: readonly string[]): void {
    this.outbox.forget(done);
    this.outbox.reload();
    if (this.isLeader) this.flush();
    this.updateCandidacy();
    this.changed();
  }

  reload(): boolean {
    const { moved, fresh } = this.conversation.reload();
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
    if (isStale) this.clear(false);
    else this.reset();
    return true;
  }

  messagesAdded(fresh: readonly Message[]): void {
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
    this.env.tabs.send({ type: "history" });
    this.changed();
  }

  deleted(sessionId: string | null): void {
    if (sessionId === this.conversation.sessionId) this.clear();
  }

  /** Drops this tab's conversation and loads the stored one. */
  private reset(): void {
    this.drop();
    this.reload();
  }

  /** Does not load the stored conversation: this tab may see the deletion in the storage later than the hint. */
  private clearedElsewhere({ done, at, everything = false }: Cleared): void {
    this.outbox.drop(done, at);
    this.drop(everything);
    this.conversation.eraseGone();
  }

  /** `everything`: the visitor has done with it, so what is typed and not sent goes, too. */
  private drop(everything = false): void {
    this.sync.leave();
    this.sync.setTyping(false);
    this.progress.end();
    this.tasks.journal.clear();
    this.conversation.drop();
    this.outbox.reset();
    this.emit({ name: "cleared", everything });
  }

  destroy(): void {
    this.leadership.destroy();
    this.sending.stop();
    this.outbox.stop();
    this.page.stop();
    this.env.tabs.close();
  }
}
