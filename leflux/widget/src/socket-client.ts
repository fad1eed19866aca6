// The part that connects: the Socket.IO client as published.

import { Fetch, io, WebSocket } from "socket.io-client";
import { offer } from "./part-loader.js";
import { restoreObjects } from "./socket-builtins.js";

/** The client and its two transports: long polling by `fetch`, and WebSocket. */
export interface Client {
  io: typeof io;
  Fetch: typeof Fetch;
  WebSocket: typeof WebSocket;
}

/**
 * Opens one microtask later. The client adds its listeners after it has opened a transport, so it would miss the error
 * of a `WebSocket` that is missing or throws.
 */
class DeferredWebSocket extends WebSocket {
  override doOpen(): this {
    queueMicrotask(() => {
      if (this.readyState === "opening") super.doOpen();
    });
    return this;
  }
}

offer<Client>("socket", { io, Fetch, WebSocket: DeferredWebSocket });
restoreObjects();
