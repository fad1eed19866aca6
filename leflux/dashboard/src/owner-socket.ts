// A socket of the dashboard's namespace, open only while a page needs it.

import { io, type Socket } from "socket.io-client";
import { api } from "./api.js";
import { BASE_PATH } from "./router.js";

/** How long the page waits for an acknowledgement. */
export const ACK_MS = 8_000;
/** The delay before connecting again after the server has refused or closed the connection. */
const RECONNECT_MS = 5_000;

type Answer<T> = (T & { ok: true }) | { ok: false; error: string };

export interface OwnerSocket {
  socket: Socket;
  close: () => void;
}

/**
 * Sends `event` after each connect, and calls `begun` with its answer. Calls `lost` when the server closes or refuses the
 * connection; the owner's API then tells the reason.
 */
export function ownerSocket<T>(event: string, payload: object, begun: (answer: T) => void, lost: () => void): OwnerSocket {
  const socket = io("/dashboard", {
    path: `${BASE_PATH}/socket.io/`,
    forceNew: true,
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: RECONNECT_MS,
    auth: (tell) => tell({ csrfToken: api.csrf }),
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reconnectLater = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => socket.disconnect().connect(), RECONNECT_MS);
  };
  const refused = (): void => {
    lost();
    reconnectLater();
  };
  socket.on("connect", () => {
    socket.timeout(ACK_MS).emitWithAck(event, payload).then((answer: Answer<T>) => {
      if (answer.ok) begun(answer);
      else refused();
    }, reconnectLater);
  });
  socket.on("disconnect", (reason) => reason === "io server disconnect" && refused());
  // After a failed connection, socket.io-client tries again.
  socket.on("connect_error", () => socket.active || refused());
  const close = (): void => {
    clearTimeout(timer);
    socket.off();
    socket.disconnect();
  };
  return { socket, close };
}
