// Synchronises the conversation with the server. The server's store is the source of truth: events of the socket report
// changes, and a gap in them is filled by reading the store.

import { Bootstrap } from "./bootstrap.js";
import type { Pending } from "./browser-store.js";
import type { Connection, ConnectionListener, ResumePoint } from "./connection.js";
import type { Conversation } from "./conversation.js";
import type { Env } from "./env.js";
import { HistoryReader } from "./history-reader.js";
import type { ChatHost } from "./host.js";
import type { HttpError } from "./http.js";
import { NOTICES } from "./notices.js";
import type { SendResult } from "./outbox.js";
import type { Ack, Chunk, Joined, Presence, StreamDone } from "./protocol.js";
import { EVENTS, isMessage, isTask } from "./protocol.js";
import { type Sender, sendMessage } from "./send-message.js";
import { Timers } from "./timers.js";
import type { Message, NoticeKind } from "./types.js";
import { TypingHint } from "./typing-hint.js";

const TYPING_MS = 30_000;
const RETRY_MS = 3_000;
/** The answer to the join in the handshake may be lost. */
const JOIN_MS = 4_000;

export class ServerSync implements ConnectionListener, Sender {
  typing = false;
  isJoined = false;
  /** The socket is disconnected or could not connect. */
  isDown = false;
  /** The name of the person of the site who has the conversation. */
  person: string | null = null;
  /** The reason of the server's last refusal, until a request succeeds. */
  problem: NoticeKind | null = null;

  readonly connection: Connection;
  readonly typingHint = new TypingHint((typing) => this.person !== null && void this.ask(EVENTS.typing, { typing }));
  private readonly timers = new Timers();
  private readonly bootstrap: Bootstrap;
  private readonly reader: HistoryReader;
  private awaySince = 0;
  private joining: string | null = null;
  private hasToldUrl = false;

  constructor(
    private readonly env: Env,
    private readonly conversation: Conversation,
    private readonly host: ChatHost,
  ) {
    this.connection = env.connect(() => this.where(), this);
    this.reader = new HistoryReader(env.http, conversation, host, () => this.timers.set("reread", RETRY_MS, () => this.check()));
    this.bootstrap = new Bootstrap(env, conversation, host, this, this.timers);
    this.listen({
      [EVENTS.joined]: (joined: Joined) => this.joined(joined),
      [EVENTS.message]: (message: Message) => this.message(message),
      [EVENTS.chunk]: (chunk: Chunk) => this.chunk(chunk),
      [EVENTS.done]: (done: StreamDone) => this.done(done),
      [EVENTS.presence]: (presence: Presence) => this.present(presence),
      [EVENTS.expired]: ({ sessionId }: ResumePoint) => this.expired(sessionId),
      [EVENTS.lost]: ({ sessionId }: ResumePoint) => this.expired(sessionId, true),
      [EVENTS.deleted]: ({ sessionId }: ResumePoint) => this.host.deleted(sessionId),
    });
  }

  private listen(handlers: Record<string, (payload: never) => void>): void {
    for (const [event, handler] of Object.entries(handlers)) this.connection.on(event, handler);
  }

  async send(pending: Pending, tries: number): Promise<SendResult> {
    const result = await sendMessage(pending, this, this.conversation, this.env.http, this.connection, tries);
    if (result.outcome === "failed") this.host.emit({ name: "error", code: result.code! });
    return result;
  }

  get isLeader(): boolean { return this.host.isLeader; }
  get awayMs(): number { return Math.abs(this.env.now() - this.awaySince); }
  get isRefused(): boolean { return this.problem === "refused"; }
  before(): Promise<void> { return this.host.page.before(); }

  private where(): ResumePoint {
    const { sessionId, transcript } = this.conversation;
    const { url } = this.host.page;
    this.joining = sessionId;
    this.hasToldUrl = url !== undefined;
    const journal = this.env.journal.told((href) => this.host.page.address(href));
    return { sessionId, since: transcript.seq, ...(url === undefined ? {} : { url }), page: this.env.tabs.tab, journal };
  }

  /** This tab is the leader now: restores or creates the session once per page view, then connects. */
  async start(): Promise<void> {
    this.awaySince = this.env.now();
    await this.bootstrap.begin();
    if (this.isLeader) this.connection.open();
  }

  stop(): void {
    this.timers.clear();
    this.problem = null;
    this.setTyping(false);
    this.leave();
  }

  /** Disconnects, so that late events of this session are not taken for events of the next one. */
  leave(): void {
    this.connection.close();
    this.isJoined = this.isDown = false;
    this.person = null;
    this.typingHint.stop();
    this.conversation.transcript.stream = null;
    this.awaySince = this.env.now();
  }

  init(): Promise<boolean> { return this.bootstrap.init(); }
  recovered(): void { this.problem = null; }

  up(): void {
    this.isDown = false;
    const { sessionId } = this.conversation;
    // An evicted session is replaced when the next message is sent.
    if (sessionId === null) {
      if (!this.bootstrap.isDone || this.host.hasWaiting) void this.init();
    } else if (this.joining !== sessionId) {
      void this.rejoin();
    } else {
      this.timers.set("join", JOIN_MS, () => !this.isJoined && void this.rejoin());
    }
    this.host.changed();
  }

  down(): void {
    if (this.isJoined) this.awaySince = this.env.now();
    this.isJoined = false;
    this.isDown = this.isLeader;
    this.host.changed();
  }

  /** Joins again on the open connection, because the session has changed or events may have been lost. */
  async rejoin(): Promise<void> {
    if (!this.isLeader) return;
    if (!this.connection.connected) return this.connection.open();
    const where = this.where();
    if (where.sessionId === null) return;
    const answer = await this.connection.ask<Joined>(EVENTS.join, where);
    if (answer === null && this.isLeader) this.connection.suspect();
    else if (answer?.ok === false) this.refused(answer.error, where.sessionId);
  }

  /** Sends a request about the session. Resolves with null when there is no connection or no answer. */
  async ask<T>(event: string, payload: object): Promise<Ack<T> | null> {
    const { sessionId } = this.conversation;
    return this.isJoined ? this.connection.ask<T>(event, { ...payload, sessionId }) : null;
  }

  wake(): void {
    if (this.isLeader && !this.connection.connected) this.connection.reopen();
  }

  /** The browser has lost the network, and may not have closed the socket. */
  offline(): void {
    if (this.isLeader) this.connection.reopen();
    this.host.changed();
  }

  /** Asks for messages that may have been lost. */
  check(): void {
    if (this.isJoined) void this.rejoin();
    else if (this.isLeader && this.conversation.transcript.last?.role === "visitor") void this.reread();
  }

  joined(joined: Joined): void {
    const { transcript, sessionId } = this.conversation;
    if (joined.sessionId !== sessionId || !this.isLeader || this.host.checkStorage()) return;
    this.isJoined = true;
    this.problem = null;
    const isBehind = joined.seq < transcript.seq;
    if (!isBehind && Array.isArray(joined.history)) this.take(joined.history);
    if (isBehind || !this.bootstrap.isDone) void this.bootstrap.restore(sessionId);
    transcript.adoptStream(joined.streams);
    this.present(joined);
    this.host.tasks.state(isTask(joined.task) ? joined.task : null);
    this.setTyping(this.typing && transcript.stream === null && transcript.last?.role === "visitor");
    this.streamed();
    this.host.emit({ name: "joined" });
    this.host.flush();
    // A task that this page did not know of goes on if this is its page.
    if (!this.hasToldUrl && this.host.page.url !== undefined) void this.rejoin();
  }

  message(message: unknown): void {
    if (!this.isJoined || !isMessage(message)) return;
    if (message.seq > this.conversation.transcript.seq) this.conversation.setClock(message.ts);
    this.take([message]);
  }

  chunk(chunk: Chunk): void {
    if (!this.isJoined || !this.conversation.transcript.chunk(chunk)) return;
    this.setTyping(false);
    this.streamed();
  }

  done({ streamId, message }: StreamDone): void {
    if (!this.isJoined || !isMessage(message)) return;
    const { id, seq } = message;
    this.env.tabs.send({ type: "done", streamId, id, seq });
    this.conversation.setClock(message.ts);
    this.conversation.transcript.ended(streamId, message);
    this.setTyping(false);
    this.take([message]);
  }

  /** A person has come, types, or has gone. The reply that the agent was writing is dropped: it is never stored. */
  private present({ person, typing = false }: { person?: Presence["person"]; typing?: boolean }): void {
    if (person) this.conversation.transcript.stream = null;
    else if (this.person !== null) this.problem = "left";
    this.person = person?.name ?? null;
    if (person) this.setTyping(typing);
    this.streamed();
  }

  /** Sends the reply's text so far to the other tabs. */
  private streamed(): void {
    const { typing, person, conversation: { sessionId, transcript: { stream } } } = this;
    this.env.tabs.send({ type: "stream", sessionId, stream, typing, person });
    this.host.changed();
  }

  /** The session is over; the words stay, and the next message goes on in a new one. `isLost`: the store was emptied. */
  expired(sessionId: string | null, isLost = false): void {
    if (sessionId === null || sessionId !== this.conversation.sessionId) return;
    this.isJoined = false;
    if (isLost) this.refused(EVENTS.lost);
    this.conversation.retire();
    this.host.tasks.state(null);
    this.host.saved();
  }

  refused(code: string, sessionId: string | null = this.joining): void {
    const isOurs = sessionId !== null && sessionId === this.conversation.sessionId;
    if (code === "session_not_found" || code === "invalid_session_id") {
      if (isOurs) this.expired(sessionId);
    } else if (code === "session_deleted") {
      if (isOurs) this.host.deleted(sessionId);
    } else if (code === "not_owner") {
      this.isJoined = false;
      if (this.host.isInUse) void this.rejoin();
      else this.host.lost();
    } else {
      this.problem = NOTICES[code] ?? null;
      this.host.emit({ name: "error", code });
      this.host.changed();
    }
  }

  /** Erases the session on the server. Resolves with false when the server did not answer. */
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

  /** The server has stored a message of this visitor. */
  async stored(message: Message): Promise<void> {
    const { transcript } = this.conversation;
    this.problem = null;
    if (message.seq > transcript.seq && this.person === null) this.setTyping(true);
    this.conversation.touch();
    if (transcript.wouldGap(message.seq)) await this.reread(message.seq);
    else this.take([message]);
  }

  private take(messages: readonly Message[]): void {
    const { transcript } = this.conversation;
    const [first] = messages;
    if (first !== undefined && transcript.wouldGap(first.seq)) void this.reread(first.seq);
    else if (!this.host.checkStorage()) this.host.messagesAdded(transcript.merge(messages));
  }

  /** Reads the missing messages up to `seq`. */
  reread(seq = 0): Promise<void> {
    return this.reader.read(seq);
  }

  setTyping(on: boolean): void {
    if (on === this.typing) return;
    this.typing = on;
    if (on) this.timers.set("typing", TYPING_MS, () => this.setTyping(false));
    this.host.emit({ name: "typing", on });
    if (this.isLeader) this.streamed();
  }
}
