// The conversation as this tab knows it: stored messages by `seq`, and the reply that is being written.

import type { Message } from "./types.js";
import type { Chunk, Stream, StreamDone } from "./wire.js";
import { isMessage } from "./wire.js";

export interface LiveStream {
  streamId: string;
  text: string;
  nextChunk: number;
}

export class Transcript {
  private readonly bySeq = new Map<number, Message>();
  private highest = 0;
  past: Message[] = [];
  stream: LiveStream | null = null;

  /** The newest `seq` up to which nothing is missing since the oldest message that is held. */
  get seq(): number {
    return this.highest;
  }

  get messages(): Message[] {
    return [...this.bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  get isEmpty(): boolean {
    return this.bySeq.size === 0;
  }

  has(clientMessageId: string): boolean {
    for (const message of this.bySeq.values()) if (message.clientMessageId === clientMessageId) return true;
    return false;
  }

  /** Replaces everything by what the server says. */
  reset(messages: readonly Message[]): void {
    this.bySeq.clear();
    this.highest = 0;
    this.merge(messages);
  }

  /** Adds messages; the one that came last wins its `seq`. Returns those that are new here. */
  merge(messages: readonly unknown[]): Message[] {
    const fresh: Message[] = [];
    for (const message of messages) {
      if (!isMessage(message)) continue;
      if (!this.bySeq.has(message.seq)) fresh.push(message);
      this.bySeq.set(message.seq, message);
      this.highest = Math.max(this.highest, message.seq);
    }
    return fresh;
  }

  /** Adding `seq` now would leave a hole before it: something was lost on the way. */
  wouldGap(seq: number): boolean {
    return seq > this.highest + 1;
  }

  /** The conversation goes on in another session: what was said stays, to look at. */
  retire(): void {
    this.past = [...this.past, ...this.messages];
    this.bySeq.clear();
    this.highest = 0;
    this.stream = null;
  }

  clear(): void {
    this.bySeq.clear();
    this.highest = 0;
    this.past = [];
    this.stream = null;
  }

  /** The streams of a rejoin are the truth: one that is not among them has ended. */
  resume(streams: readonly Stream[]): void {
    const [stream] = streams;
    this.stream = stream === undefined ? null : { ...stream };
  }

  /** Draws a chunk once. False: it was drawn before, or one before it is missing and the end will bring all. */
  chunk(chunk: Chunk): boolean {
    if (this.stream?.streamId !== chunk.streamId) {
      if (chunk.chunkIndex !== 0) return false;
      this.stream = { streamId: chunk.streamId, text: "", nextChunk: 0 };
    }
    if (chunk.chunkIndex !== this.stream.nextChunk) return false;
    this.stream.text += chunk.delta;
    this.stream.nextChunk += 1;
    return true;
  }

  done(done: StreamDone): void {
    if (this.stream?.streamId === done.streamId) this.stream = null;
  }
}
