// The messages that this tab knows: stored ones by `seq`, without gaps, and the reply that is being streamed.

import type { Pending } from "./browser-store.js";
import type { Chunk, Stream } from "./protocol.js";
import { isMessage, isStream } from "./protocol.js";
import { crc32 } from "./text.js";
import type { Message, ShownMessage } from "./types.js";

/** The most messages that a restore sends. */
const RESTORED = 200;
/** A message without a reply for this long is no longer answered. */
const REPLY_DUE_MS = 5 * 60_000;

/** The messages `first` to `since`, and a check value of them. */
export interface KnownHistory {
  since: number;
  first: number;
  check: number;
}

export class Transcript {
  private readonly bySeq = new Map<number, Message>();
  private readonly clientIds = new Set<string>();
  /** Maps a stored reply to its stream, so that its bubble keeps its key. */
  private readonly streamOf = new Map<string, string>();
  private highest = 0;
  past: Message[] = [];
  stream: Stream | null = null;

  /** The newest `seq`. There are no gaps between the oldest message and this one. */
  get seq(): number {
    return this.highest;
  }

  get messages(): Message[] {
    return [...this.bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  get last(): Message | undefined {
    return this.bySeq.get(this.highest);
  }

  /** The newest message, when a restore would send no older ones than those that are here. */
  get known(): KnownHistory | null {
    const newest = this.messages.slice(-RESTORED);
    const first = newest[0]?.seq;
    if (first === undefined || (first > 1 && newest.length < RESTORED)) return null;
    return { since: this.highest, first, check: crc32(newest.map(({ id, seq, role, text }) => `${id},${seq},${role},${text}\n`).join("")) };
  }

  /** True while a reply is being streamed or the visitor's last message has no reply yet. */
  isReplyDue(now: number): boolean {
    return this.isStreaming || (this.last?.role === "visitor" && now - this.last.ts < REPLY_DUE_MS);
  }

  /** False for the rest of a stream whose end was missed: its message is already there. */
  private get isStreaming(): boolean {
    const { stream, last } = this;
    return stream !== null && !(stream.text !== "" && last?.role === "assistant" && last.text.startsWith(stream.text));
  }

  has(clientMessageId: string): boolean {
    return this.clientIds.has(clientMessageId);
  }

  /** Replaces the messages with the server's, and keeps older ones. Returns the new messages. */
  reset(history: readonly unknown[]): Message[] {
    const messages = history.filter(isMessage);
    const held = this.messages;
    const [oldest] = messages;
    this.empty();
    this.put(held.filter(({ seq }) => oldest !== undefined && seq < oldest.seq));
    if (oldest !== undefined && this.wouldGap(oldest.seq)) this.empty();
    this.put(messages);
    const known = new Set(held.map(({ seq }) => seq));
    return messages.filter(({ seq }) => !known.has(seq));
  }

  /** Adds or replaces messages, and drops those before a gap. Returns the new messages. */
  merge(messages: readonly unknown[]): Message[] {
    const valid = messages.filter(isMessage).sort((a, b) => a.seq - b.seq);
    const fresh = valid.filter(({ seq }) => !this.bySeq.has(seq));
    for (const message of valid) {
      if (this.wouldGap(message.seq)) this.empty();
      this.put([message]);
    }
    return fresh;
  }

  private put(messages: readonly Message[]): void {
    for (const message of messages) {
      this.bySeq.set(message.seq, message);
      this.highest = Math.max(this.highest, message.seq);
      if (this.stream !== null && this.streamOf.get(message.id) === this.stream.streamId) this.stream = null;
      if (message.clientMessageId !== undefined) this.clientIds.add(message.clientMessageId);
    }
  }

  private empty(): void {
    this.bySeq.clear();
    this.clientIds.clear();
    this.highest = 0;
  }

  /** True when messages before `seq` are missing. */
  wouldGap(seq: number): boolean {
    return seq > this.highest + 1;
  }

  /** The conversation continues in another session: keeps the messages for display. */
  retire(): void {
    this.past = [...this.past, ...this.messages];
    this.empty();
    this.stream = null;
  }

  clear(): void {
    this.past = [];
    this.empty();
    this.stream = null;
  }

  /** Takes over the reply that the server is writing. */
  adoptStream(streams: unknown): void {
    const first: unknown = Array.isArray(streams) ? streams[0] : null;
    this.stream = isStream(first) ? first : null;
  }

  /** Appends a chunk. Returns false for a duplicate, and after a lost chunk: the end of the stream brings the whole text. */
  chunk({ streamId, chunkIndex, delta }: Chunk): boolean {
    if (this.stream?.streamId !== streamId) {
      if (chunkIndex !== 0) return false;
      this.stream = { streamId, text: "", nextChunk: 0 };
    }
    if (chunkIndex !== this.stream.nextChunk) return false;
    this.stream = { streamId, text: this.stream.text + delta, nextChunk: chunkIndex + 1 };
    return true;
  }

  /** The stream has ended as a message. It stays visible until that message is in the transcript. */
  ended(streamId: string, { id, seq }: Pick<Message, "id" | "seq">): void {
    this.streamOf.set(id, streamId);
    if (this.stream?.streamId === streamId && this.bySeq.get(seq)?.id === id) this.stream = null;
  }

  /**
   * All visible messages, oldest first: earlier sessions, this session, the streamed reply, the outbox. Times are the
   * server's, which is ahead by `offset`.
   */
  shown(waiting: readonly Pending[], now: number, offset = 0): ShownMessage[] {
    const one = (message: Message, past: boolean): ShownMessage => ({
      ...message,
      key: message.clientMessageId ?? this.streamOf.get(message.id) ?? message.id,
      status: "sent",
      ...(past ? { past } : {}),
    });
    const shown = [...this.past.map((message) => one(message, true)), ...this.messages.map((message) => one(message, false))];
    if (this.stream !== null && this.isStreaming && this.stream.text !== "") {
      const { streamId, text } = this.stream;
      shown.push({ ...unstored, key: streamId, role: "assistant", text, ts: now + offset, status: "sent", streaming: true });
    }
    for (const { clientMessageId, text, ts, failed } of waiting) {
      if (this.has(clientMessageId)) continue;
      const status = failed === undefined ? "sending" : "failed";
      shown.push({ ...unstored, key: clientMessageId, role: "visitor", text, ts: ts + offset, status });
    }
    return shown;
  }
}

const unstored = { id: null, seq: null };
