// The conversation as this tab knows it: stored messages by `seq`, without gaps, and the reply that is being written.

import type { Message, ShownMessage } from "./types.js";
import type { Pending } from "./storage.js";
import type { Chunk, Stream } from "./wire.js";
import { isMessage } from "./wire.js";

/** Nobody answers what has waited for longer. */
const REPLY_DUE_MS = 5 * 60_000;

export class Transcript {
  private readonly bySeq = new Map<number, Message>();
  private readonly clientIds = new Set<string>();
  /** The stream that a stored reply came from, so that its bubble stays the same one. */
  private readonly streamOf = new Map<string, string>();
  private highest = 0;
  past: Message[] = [];
  stream: Stream | null = null;

  /** The newest `seq`; between the oldest message that is held and this one nothing is missing. */
  get seq(): number {
    return this.highest;
  }

  get messages(): Message[] {
    return [...this.bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  get last(): Message | undefined {
    return this.bySeq.get(this.highest);
  }

  /** A reply is being written, or the visitor has said something that nobody has answered yet. */
  isReplyDue(now: number): boolean {
    return this.stream !== null || (this.last?.role === "visitor" && now - this.last.ts < REPLY_DUE_MS);
  }

  has(clientMessageId: string): boolean {
    return this.clientIds.has(clientMessageId);
  }

  /** What the server says replaces what is held, save for what is older than the server's part. Returns the new ones. */
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

  /** Adds messages that follow on what is held, or replace it. Older ones before a gap are let go. Returns the new ones. */
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

  /** Adding `seq` now would leave a hole before it: something was lost on the way. */
  wouldGap(seq: number): boolean {
    return seq > this.highest + 1;
  }

  /** The conversation goes on in another session: what was said stays, to look at. */
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

  /** Draws a chunk once. False: it was drawn before, or one before it is missing and the end will bring all. */
  chunk({ streamId, chunkIndex, delta }: Chunk): boolean {
    if (this.stream?.streamId !== streamId) {
      if (chunkIndex !== 0) return false;
      this.stream = { streamId, text: "", nextChunk: 0 };
    }
    if (chunkIndex !== this.stream.nextChunk) return false;
    this.stream = { streamId, text: this.stream.text + delta, nextChunk: chunkIndex + 1 };
    return true;
  }

  /** The stream has become a message. Its bubble stays until that message is held. */
  ended(streamId: string, { id, seq }: Pick<Message, "id" | "seq">): void {
    this.streamOf.set(id, streamId);
    if (this.stream?.streamId === streamId && this.bySeq.get(seq)?.id === id) this.stream = null;
  }

  /** Everything that is to be seen, oldest first: earlier sessions, this one, the reply in the making, what waits. */
  shown(waiting: readonly Pending[], now: number): ShownMessage[] {
    const one = (message: Message, past: boolean): ShownMessage => ({
      ...message,
      key: message.clientMessageId ?? this.streamOf.get(message.id) ?? message.id,
      status: "sent",
      ...(past ? { past } : {}),
    });
    const shown = [...this.past.map((message) => one(message, true)), ...this.messages.map((message) => one(message, false))];
    if (this.stream !== null && this.stream.text !== "") {
      const { streamId, text } = this.stream;
      shown.push({ ...unstored, key: streamId, role: "assistant", text, ts: now, status: "sent", streaming: true });
    }
    for (const { clientMessageId, text, ts, failed } of waiting) {
      if (this.has(clientMessageId)) continue;
      const status = failed === undefined ? "sending" : "failed";
      shown.push({ ...unstored, key: clientMessageId, role: "visitor", text, ts, status });
    }
    return shown;
  }
}

const unstored = { id: null, seq: null };
