// The leading tab's Socket.IO connection. It joins the session in the handshake, so a page view costs one connection and
// no extra round trip. It chooses the transport by what the network does, and makes a new client for each attempt.

import type { Socket } from "socket.io-client";
import type { Load } from "./part-loader.js";
import type { Ack, Refusal, TaskJournal } from "./protocol.js";
import { EVENTS } from "./protocol.js";
import type { Client } from "./socket-client.js";
import { stringify, toWire } from "./text.js";
import { Timers } from "./timers.js";

/** `websocket`: no polling. `upgrade`: poll first, then move to a WebSocket. `polling`: no WebSocket. */
export type Transport = "websocket" | "upgrade" | "polling";

function transportsOf(choice: Transport, { Fetch, WebSocket }: Client): (typeof Fetch | typeof WebSocket)[] {
  if (choice === "websocket") return [WebSocket];
  return choice === "polling" ? [Fetch] : [Fetch, WebSocket];
}

const ACK_MS = 5_000;
/** A request without an answer for this long is followed by a ping, to tell a slow server from a dead connection. */
const PING_MS = 2_000;
/** A WebSocket that has not connected by then is taken for swallowed. */
const WEBSOCKET_MS = 4_000;
const POLLING_MS = 8_000;
const RECONNECT_MS = 400;
const RECONNECT_MAX_MS = 2_000;
/** Characters of a packet. The server hangs up on a frame that is too large. */
const PACKET_CHARS = 80_000;
/** Failed WebSockets in a row before a connection begins with long polling. */
const WEBSOCKET_TRIES = 2;

export interface ResumePoint {
  sessionId: string | null;
  since: number;
  /** Left out while the server need not know the address. */
  url?: string;
  /** Names this instance of the page, so that the server tells a reconnect from a reload. */
  page: string;
  /** What the tab has written down of the task's step. */
  journal?: TaskJournal | undefined;
}

/** `up` and `down`: the socket connected or disconnected. `refused`: the server rejected a handshake or join with this code. */
export interface ConnectionListener {
  up(): void;
  down(): void;
  refused(code: string): void;
}

export interface Connection {
  readonly connected: boolean;
  open(): void;
  close(): void;
  /** Drops a socket that may be half-open or waits to reconnect, and connects at once. */
  reopen(): void;
  /** A request was not answered: connects anew, unless the server has shown a sign of life since then. */
  suspect(): void;
  on(event: string, handler: (payload: never) => void): void;
  /** Resolves with null when no answer came; the server may have processed the request. */
  ask<T>(event: string, payload: object): Promise<Ack<T> | null>;
}

export type Connect = (where: () => ResumePoint, listener: ConnectionListener) => Connection;

/** Remembers across page views that WebSockets do not work here. */
export interface TransportMemory {
  isPollingOnly(): boolean;
  keepPollingOnly(): void;
}

/** Decides which transport the next connection uses. */
export class TransportChoice {
  private failures = 0;
  private hasWorked = false;
  /** A WebSocket was accepted and then carried nothing. */
  private isMute = false;

  constructor(private readonly memory: TransportMemory) {}

  next(): Transport {
    if (this.isMute || this.memory.isPollingOnly()) return "polling";
    return this.failures >= (this.hasWorked ? WEBSOCKET_TRIES : 1) ? "upgrade" : "websocket";
  }

  connected(isWebSocket: boolean): void {
    if (isWebSocket) {
      this.hasWorked = true;
      this.failures = 0;
    } else if (this.isMute) {
      // The server can be reached, so the WebSocket was at fault.
      this.isMute = false;
      this.memory.keepPollingOnly();
    }
  }

  failed(isWebSocket: boolean, isMute: boolean): void {
    if (isWebSocket) this.failures += 1;
    // Polling fails as well: the network is at fault.
    else if (this.isMute) [this.isMute, this.failures] = [false, WEBSOCKET_TRIES];
    if (isWebSocket && isMute) this.isMute = true;
  }
}

class SocketIo implements Connection {
  connected = false;
  private socket: Socket | null = null;
  private transport: Transport = "websocket";
  private isWanted = false;
  /** Nothing has arrived since the last request. */
  private isSilent = false;
  private tries = 0;
  private readonly handlers = new Map<string, ((payload: never) => void)[]>();
  private readonly unanswered = new Set<(answer: null) => void>();
  private readonly timers = new Timers();
  private readonly choice: TransportChoice;

  constructor(
    private readonly base: string,
    private readonly load: Load<Client>,
    memory: TransportMemory,
    private readonly where: () => ResumePoint,
    private readonly listener: ConnectionListener,
  ) {
    this.choice = new TransportChoice(memory);
  }

  open(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    void this.connect();
  }

  close(): void {
    this.isWanted = false;
    this.tries = 0;
    this.drop();
  }

  reopen(): void {
    this.close();
    this.open();
  }

  suspect(): void {
    if (!this.isSilent || this.socket === null) return;
    const isWebSocket = this.isWebSocket();
    this.close();
    this.choice.failed(isWebSocket, true);
    this.open();
  }

  on(event: string, handler: (payload: never) => void): void {
    this.handlers.set(event, [...(this.handlers.get(event) ?? []), handler]);
  }

  ask<T>(event: string, payload: object): Promise<Ack<T> | null> {
    if (!this.connected) return Promise.resolve(null);
    if (stringify(payload).length > PACKET_CHARS) {
      return Promise.resolve({ ok: false, error: "payload_too_large", message: "" });
    }
    return new Promise((resolve) => {
      const settle = (answer: Ack<T> | null): void => {
        this.unanswered.delete(settle);
        clearTimeout(ping);
        clearTimeout(timer);
        resolve(answer);
      };
      const ping = setTimeout(() => this.ping(), PING_MS);
      const timer = setTimeout(() => settle(null), ACK_MS);
      this.unanswered.add(settle);
      this.socket!.emit(event, toWire(payload), settle);
    });
  }

  private async connect(): Promise<void> {
    this.transport = this.choice.next();
    const limit = this.transport === "websocket" ? WEBSOCKET_MS : POLLING_MS;
    this.timers.set("connect", limit, () => this.lost(true));
    const client = await this.load().catch(() => null);
    // The connection may have been closed while the client was loaded; without a client, the time limit ends the attempt.
    if (client === null || !this.isWanted || this.socket !== null) return;
    const { sessionId, ...where } = this.where();
    const url = new URL(this.base);
    const socket = client.io(url.origin, {
      path: `${url.pathname.replace(/\/$/, "")}/socket.io/`,
      transports: transportsOf(this.transport, client),
      auth: sessionId === null ? {} : toWire({ sessionId, ...where }),
      forceNew: true,
      reconnection: false,
    });
    this.socket = socket;
    socket.on("connect", () => this.joined());
    socket.on("disconnect", () => this.lost(false));
    socket.on("connect_error", (error) => (socket.active ? this.lost(false) : this.refused(error.message)));
    socket.onAny((event: string, payload: unknown) => this.dispatch(event, payload));
    socket.io.engine.on("packet", () => {
      this.isSilent = false;
    });
  }

  /** Asks the server for a sign of life. */
  private ping(): void {
    this.isSilent = true;
    const transport = this.socket?.io.engine.transport;
    if (transport?.writable) transport.send([{ type: "ping" }]);
  }

  private isWebSocket(): boolean {
    return this.socket?.io.engine.transport.name === "websocket";
  }

  /** Closes the connection. Requests without an answer resolve with null. */
  private drop(): void {
    const { socket, connected } = this;
    this.connected = false;
    this.timers.clear();
    if (connected) this.choice.connected(this.isWebSocket());
    this.socket = null;
    socket?.off().offAny().disconnect();
    for (const settle of [...this.unanswered]) settle(null);
    if (connected) this.listener.down();
  }

  /** `isMute`: the connection was made but carried nothing. */
  private lost(isMute: boolean): void {
    if (this.connected) this.drop();
    else {
      this.choice.failed(this.transport === "websocket", isMute);
      this.drop();
      this.listener.down();
    }
    // An attempt that ran into its time limit has waited long enough already.
    const backoff = isMute ? RECONNECT_MS : Math.min(RECONNECT_MS * 2 ** this.tries++, RECONNECT_MAX_MS);
    const pause = backoff * (0.5 + Math.random());
    if (this.isWanted) this.timers.set("connect", pause, () => void this.connect());
  }

  private refused(code: string): void {
    this.close();
    this.listener.down();
    this.listener.refused(code);
  }

  /** A handler that throws must not end the connection. */
  private dispatch(event: string, payload: unknown): void {
    for (const handler of this.handlers.get(event) ?? []) {
      try {
        handler(payload as never);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  }

  private joined(): void {
    this.timers.clear();
    this.connected = true;
    this.tries = 0;
    this.choice.connected(this.isWebSocket());
    this.listener.up();
  }
}

export const connectTo =
  (base: string, memory: TransportMemory, load: Load<Client>): Connect =>
  (where, listener) => {
    const socket = new SocketIo(base, load, memory, where, listener);
    socket.on(EVENTS.error, (refusal: Refusal) => listener.refused(refusal.error));
    return socket;
  };
