// The socket of the tab that owns the conversation. It resumes in the handshake, so that a page view costs one
// connection and no extra round trip; reconnecting is socket.io-client's, with its jitter.

import { Manager } from "socket.io-client";
import type { Ack, Refusal } from "./wire.js";
import { EVENTS } from "./wire.js";

const ACK_MS = 8_000;
const COME_BACK_MS = 500;

export interface Where {
  sessionId: string | null;
  since: number;
  url: string;
}

/** `up` and `down`: the socket; `refused`: the server's code for a handshake or a join that it did not admit. */
export interface Link {
  up(): void;
  down(): void;
  refused(code: string): void;
}

export interface Connection {
  readonly connected: boolean;
  open(): void;
  close(): void;
  /** Give up what may be half-open, or waits for its next try, and connect at once. */
  reopen(): void;
  on(event: string, handler: (payload: never) => void): void;
  /** Null: no answer came; what was asked may or may not have happened. */
  ask<T>(event: string, payload: object): Promise<Ack<T> | null>;
}

export type Connect = (where: () => Where, link: Link) => Connection;

export const connectTo = (host: string): Connect => (where, link) => {
  const manager = new Manager(host, {
    autoConnect: false,
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    reconnectionDelay: 400,
    reconnectionDelayMax: 3_000,
    timeout: 8_000,
  });
  const socket = manager.socket("/", {
    auth: (tell: (where: object) => void) => {
      const { sessionId, since, url } = where();
      tell(sessionId === null ? {} : { sessionId, since, url });
    },
  });
  let wanted = false;
  socket.on("connect", () => link.up());
  socket.on("disconnect", (reason) => {
    link.down();
    // Hung up by the server, socket.io-client stays away unless it is told to come back.
    if (reason === "io server disconnect") setTimeout(() => wanted && socket.connect(), COME_BACK_MS * (1 + Math.random()));
  });
  socket.on("connect_error", (error) => {
    link.down();
    if (!socket.active) link.refused(error.message);
  });
  socket.on(EVENTS.error, (refusal: Refusal) => link.refused(refusal.error));
  return {
    get connected() {
      return socket.connected;
    },
    open: () => {
      wanted = true;
      if (!socket.active) socket.connect();
    },
    close: () => {
      wanted = false;
      socket.disconnect();
    },
    reopen: () => {
      socket.disconnect();
      socket.connect();
    },
    on: (event, handler) => void socket.on(event, handler as (payload: unknown) => void),
    ask: async <T>(event: string, payload: object) => {
      try {
        return (await socket.timeout(ACK_MS).emitWithAck(event, payload)) as Ack<T>;
      } catch {
        return null;
      }
    },
  };
};
