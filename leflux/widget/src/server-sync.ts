// Keeps this tab and the server of one mind. The server's store is the truth: whatever comes over the socket is news
// of it, and wherever the news has a hole the store is read again.

import type { Connection, Link, Where } from "./connection.js";
import type { Conversation } from "./conversation.js";
import { deliver, type Sender } from "./delivery.js";
import type { Desk, Env } from "./env.js";
import type { HttpError } from "./http.js";
import { Opening } from "./opening.js";
import type { SendResult } from "./outbox.js";
import type { Pending } from "./storage.js";
import { Timers } from "./timers.js";
import type { Message, NoticeKind } from "./types.js";
import type { Ack, Chunk, Joined, StreamDone } from "./wire.js";
import { EVENTS, isMessage } from "./wire.js";

const TYPING_MS = 30_000;
const RETRY_MS = 3_000;
const URL_MAX = 4_096;

const NOTICES: Record<string, NoticeKind> = {
  host_not_registered: "refused",
  origin_required: "refused",
  rate_limited: "rate-limited",
  store_unavailable: "unavailable",
};

export class Sync implements Link, Sender {
  typing = false;
  isJoined = false;
  /** The socket was lost, or could not be made. */
  isDown = false;
  /** What the server refused last, until something goes well. */
  trouble: NoticeKind | null = null;

  readonly connection: Connection;
  private readonly timers = new Timers();
  private readonly opening: Opening;
  private awaySince = 0;
  /** The session that the socket has last asked for. */
  private joining: string | null = null;
  private reading: Promise<void> | null = null;
  private wanted = 0;

  constructor(
    private readonly env: Env,
    private readonly conversation: Conversation,
    private readonly desk: Desk,
  ) {
    this.connection = env.connect(() => this.where(), this);
    this.opening = new Opening(env, conversation, desk, this, this.timers);
    this.listen({
      [EVENTS.joined]: (joined: Joined) => this.joined(joined),
      [EVENTS.message]: (message: Message) => this.message(message),
      [EVENTS.chunk]: (chunk: Chunk) => this.chunk(chunk),
      [EVENTS.done]: (done: StreamDone) => this.done(done),
      [EVENTS.expired]: ({ sessionId }: Where) => this.expired(sessionId),
      [EVENTS.deleted]: ({ sessionId }: Where) => this.desk.deleted(sessionId),
    });
  }

  private listen(handlers: Record<string, (payload: never) => void>): void {
    for (const [event, handler] of Object.entries(handlers)) this.connection.on(event, handler);
  }

  deliver(pending: Pending): Promise<SendResult> {
    return deliver(pending, this, this.conversation, this.env.http, this.connection);
  }

  get isOwner(): boolean {
    return this.desk.isOwner;
  }
  get awayMs(): number {
    return Math.abs(this.env.now() - this.awaySince);
  }

  get isRefused(): boolean {
    return this.trouble === "refused";
  }

  get url(): string {
    return this.env.url().slice(0, URL_MAX);
  }

  private where(): Where {
    const { sessionId, transcript } = this.conversation;
    this.joining = sessionId;
    return { sessionId, since: transcript.seq, url: this.url };
  }

  /** This tab owns the conversation now: one restore or init for each page view, then one socket. */
  async start(): Promise<void> {
    this.awaySince = this.env.now();
    await this.opening.begin();
    if (this.isOwner) this.connection.open();
  }

  stop(): void {
    this.timers.clear();
    this.trouble = null;
    this.setTyping(false);
    this.leave();
  }

  /** Hang up; late news of the session that was must not be taken for news of the next one. */
  leave(): void {
    this.connection.close();
    this.isJoined = this.isDown = false;
    this.conversation.transcript.stream = null;
    this.awaySince = this.env.now();
  }

  init(): Promise<boolean> {
    return this.opening.init();
  }

  recovered(): void {
    this.trouble = null;
  }

  // The socket.

  up(): void {
    this.isDown = false;
    const { sessionId } = this.conversation;
    // A session that was let go is replaced with the next message, not before.
    if (sessionId === null) {
      if (!this.opening.isDone || this.desk.hasWaiting) void this.init();
    } else if (this.joining !== sessionId) {
      void this.rejoin();
    }
    this.desk.changed();
  }

  down(): void {
    if (this.isJoined) this.awaySince = this.env.now();
    this.isJoined = false;
    this.isDown = this.isOwner;
    this.desk.changed();
  }

  /** Join again on the open connection: the session has changed, or some news of it may have been lost. */
  async rejoin(): Promise<void> {
    if (!this.isOwner) return;
    if (!this.connection.connected) return this.connection.open();
    const where = this.where();
    if (where.sessionId === null) return;
    const answer = await this.connection.ask<Joined>(EVENTS.join, where);
    if (answer === null && this.isOwner) this.connection.reopen();
    else if (answer?.ok === false) this.refused(answer.error, where.sessionId);
  }

  /** Ask the server about the session; null when it cannot be asked or does not answer. */
  async ask<T>(event: string, payload: object): Promise<Ack<T> | null> {
    const { sessionId } = this.conversation;
    return this.isJoined ? this.connection.ask<T>(event, { ...payload, sessionId }) : null;
  }

  wake(): void {
    if (this.isOwner && !this.connection.connected) this.connection.reopen();
  }

  /** Something may have been lost on the way: ask for it. */
  check(): void {
    if (this.isJoined) void this.rejoin();
    else if (this.isOwner && this.conversation.transcript.last?.role === "visitor") void this.reread();
  }

  joined(joined: Joined): void {
    const { transcript, sessionId } = this.conversation;
    if (joined.sessionId !== sessionId || !this.isOwner || this.desk.checkStorage()) return;
    this.isJoined = true;
    this.trouble = null;
    const isBehind = joined.seq < transcript.seq;
    if (!isBehind) this.take(joined.history);
    if (isBehind || !this.opening.isDone) void this.opening.restore(sessionId);
    transcript.stream = joined.streams?.[0] ?? null;
    this.desk.progress.state(joined.task);
    this.setTyping(this.typing && transcript.stream === null && transcript.last?.role === "visitor");
    this.streamed();
    this.desk.emit({ name: "joined" });
    this.desk.flush();
  }

  message(message: unknown): void {
    if (this.isJoined && isMessage(message)) this.take([message]);
  }

  chunk(chunk: Chunk): void {
    if (!this.isJoined || !this.conversation.transcript.chunk(chunk)) return;
    this.setTyping(false);
    this.streamed();
  }

  done({ streamId, message }: StreamDone): void {
    if (!this.isJoined || !isMessage(message)) return;
    const { id, seq } = message;
    this.env.tabs.tell({ type: "done", streamId, id, seq });
    this.conversation.transcript.ended(streamId, message);
    this.setTyping(false);
    this.take([message]);
  }

  /** Tell the other tabs of the reply in the making. */
  private streamed(): void {
    const { sessionId, transcript: { stream } } = this.conversation;
    this.env.tabs.tell({ type: "stream", sessionId, stream, typing: this.typing });
    this.desk.changed();
  }

  expired(sessionId: string | null): void {
    if (sessionId === null || sessionId !== this.conversation.sessionId) return;
    this.isJoined = false;
    this.conversation.retire();
    this.desk.progress.end();
    this.desk.saved();
  }

  refused(code: string, sessionId: string | null = this.joining): void {
    const isOurs = sessionId !== null && sessionId === this.conversation.sessionId;
    if (code === "session_not_found" || code === "invalid_session_id") {
      if (isOurs) this.expired(sessionId);
    } else if (code === "session_deleted") {
      if (isOurs) this.desk.deleted(sessionId);
    } else if (code === "not_owner") {
      this.isJoined = false;
      if (this.desk.isInUse) void this.rejoin();
      else this.desk.lost();
    } else {
      this.trouble = NOTICES[code] ?? null;
      this.desk.emit({ name: "error", code });
      this.desk.changed();
    }
  }

  /** Erase the session on the server. False when it could not be asked. */
  async erase(sessionId: string): Promise<boolean> {
    try {
      await this.env.http.forget(sessionId);
    } catch (error) {
      const { code } = error as HttpError;
      if (code === "session_not_found" || code === "session_deleted") return true;
      this.refused(code, sessionId);
      return false;
    }
    return true;
  }

  // Messages, from wherever they come.

  /** The server has stored what this visitor said. */
  async stored(message: Message): Promise<void> {
    const { transcript } = this.conversation;
    this.trouble = null;
    if (message.seq > transcript.seq) this.setTyping(true);
    this.conversation.touch();
    if (transcript.wouldGap(message.seq)) await this.reread(message.seq);
    else this.take([message]);
  }

  private take(messages: readonly Message[]): void {
    const { transcript } = this.conversation;
    const [first] = messages;
    if (first !== undefined && transcript.wouldGap(first.seq)) void this.reread(first.seq);
    else if (!this.desk.checkStorage()) this.desk.took(transcript.merge(messages));
  }

  /** Read what is missing up to `seq`, once at a time, until nothing is. */
  reread(seq = 0): Promise<void> {
    this.wanted = Math.max(this.wanted, seq);
    this.reading ??= this.readPages().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  private async readPages(): Promise<void> {
    const { sessionId, transcript } = this.conversation;
    try {
      for (let more = true; more && sessionId !== null; ) {
        const page = await this.env.http.messages(sessionId, transcript.seq);
        if (this.conversation.sessionId !== sessionId || this.desk.checkStorage()) return;
        this.desk.took(transcript.merge(page.messages));
        more = page.messages.length > 0 && (page.more || transcript.seq < this.wanted);
      }
      this.wanted = 0;
    } catch {
      this.timers.set("reread", RETRY_MS, () => this.check());
    }
  }

  setTyping(on: boolean): void {
    if (on === this.typing) return;
    this.typing = on;
    if (on) this.timers.set("typing", TYPING_MS, () => this.setTyping(false));
    this.desk.emit({ name: "typing", on });
    if (this.isOwner) this.streamed();
  }
}
