// The names and shapes of the protocol; the only home of event names.

import type { Message, SiteConfig } from "./types.js";

export const EVENTS = {
  join: "join_session",
  send: "send_message",
  visibility: "visibility",
  joined: "session_joined",
  message: "message",
  chunk: "message_chunk",
  done: "message_done",
  takenOver: "session_taken_over",
  expired: "session_expired",
  deleted: "session_deleted",
  error: "error",
} as const;

export interface Retention {
  clientTtlMs: number;
  userDataTtlMs: number;
  idleTtlMs: number;
  taskHoldMs: number;
  readOnlyMs: number;
}

export interface Stream {
  streamId: string;
  text: string;
  nextChunk: number;
}

export interface InitAnswer {
  sessionId: string;
  createdAt: number;
  seq: number;
  siteConfig: SiteConfig;
  retention: Retention;
}

export interface RestoreAnswer extends InitAnswer {
  history: Message[];
  truncated: boolean;
  streams: Stream[];
}

export interface Joined {
  sessionId: string;
  seq: number;
  history: Message[];
  truncated: boolean;
  streams: Stream[];
  epoch: number;
}

export interface Chunk {
  streamId: string;
  chunkIndex: number;
  delta: string;
}

export interface StreamDone {
  streamId: string;
  message: Message;
}

export interface Refusal {
  error: string;
  message: string;
  details?: { retryAfterMs?: number };
}

/** A message is drawn from the network or from storage only if it looks like one. */
export function isMessage(value: unknown): value is Message {
  const message = value as Message | null;
  return (
    typeof message === "object" &&
    message !== null &&
    typeof message.id === "string" &&
    Number.isSafeInteger(message.seq) &&
    message.seq > 0 &&
    (message.role === "visitor" || message.role === "assistant" || message.role === "system") &&
    typeof message.text === "string" &&
    Number.isFinite(message.ts)
  );
}
