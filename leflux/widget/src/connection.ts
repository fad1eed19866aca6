// The socket of the tab that owns the conversation. It resumes in the handshake, so that a page view costs one
// connection and no extra round trip; reconnecting is socket.io-client's, with its jitter.

import { io } from "socket.io-client";
import type { Message } from "./types.js";
import type { Chunk, Joined, Refusal, StreamDone } from "./wire.js";
import { EVENTS } from "./wire.js";

const ACK_MS = 8_000;

export interface Where {
  sessionId: string | null;
  since: number;
  url: string;
}

export interface Listener {
  joined(joined: Joined): void;
  message(message: Message): void;
  chunk(chunk: Chunk): void;
  done(done: StreamDone): void;
  takenOver(sessionId: string, readOnlyMs: number): void;
  expired(sessionId: string): void;
  deleted(sessionId: string): void;
  refused(code: string): void;
  up(): void;
  down(): void;
}

export type Ack<T> = ({ ok: true } & T) | ({ ok: false } & Refusal);

export interface Connection {
  readonly connected: boolean;
  open(): void;
  close(): void;
  /** Join again on the open connection, or open it: the session has changed. */
  rejoin(): Promise<void>;
  /** Null: no answer came; the message may or may not be stored. */
  send(sessionId: string, clientMessageId: string, text: string): Promise<Ack<{ messageId: string; seq: number }> | null>;
  visibility(sessionId: string, visible: boolean): void;
}

export type Connect = (host: string, where: () => Where, listener: Listener) => Connection;

export const connectSocket: Connect = (host, where, listener) => {
  const socket = io(host, {
    autoConnect: false,
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    reconnectionDelay: 400,
    reconnectionDelayMax: 4_000,
    timeout: 8_000,
    auth: (tell) => {
      const { sessionId, since, url } = where();
      tell(sessionId === null ? {} : { sessionId, since, url });
    },
  });
  socket.on("connect", () => listener.up());
  socket.on("disconnect", () => listener.down());
  socket.on("connect_error", () => listener.down());
  socket.on(EVENTS.joined, (joined: Joined) => listener.joined(joined));
  socket.on(EVENTS.message, (message: Message) => listener.message(message));
  socket.on(EVENTS.chunk, (chunk: Chunk) => listener.chunk(chunk));
  socket.on(EVENTS.done, (done: StreamDone) => listener.done(done));
  socket.on(EVENTS.takenOver, (event: { sessionId: string; readOnlyMs: number }) =>
    listener.takenOver(event.sessionId, event.readOnlyMs),
  );
  socket.on(EVENTS.expired, (event: { sessionId: string }) => listener.expired(event.sessionId));
  socket.on(EVENTS.deleted, (event: { sessionId: string }) => listener.deleted(event.sessionId));
  socket.on(EVENTS.error, (refusal: Refusal) => listener.refused(refusal.error));

  const ask = async <T>(event: string, payload: object): Promise<Ack<T> | null> => {
    try {
      return (await socket.timeout(ACK_MS).emitWithAck(event, payload)) as Ack<T>;
    } catch {
      return null;
    }
  };
  return {
    get connected() {
      return socket.connected;
    },
    open: () => void socket.connect(),
    close: () => void socket.disconnect(),
    rejoin: async () => {
      if (!socket.connected) {
        socket.connect();
        return;
      }
      const answer = await ask<Joined>(EVENTS.join, where());
      if (answer !== null && !answer.ok) listener.refused(answer.error);
    },
    send: (sessionId, clientMessageId, text) => ask(EVENTS.send, { sessionId, clientMessageId, text }),
    visibility: (sessionId, visible) => void ask(EVENTS.visibility, { sessionId, visible }),
  };
};
