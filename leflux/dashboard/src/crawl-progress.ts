// Live progress of a crawl. The socket is open only while a page watches.

import { io } from "socket.io-client";
import { api } from "./api.js";
import { BASE_PATH } from "./router.js";
import type { Crawl } from "./types.js";

const ACK_MS = 8_000;
/** The delay before connecting again after the server has refused or closed the connection. */
const RECONNECT_MS = 5_000;

type Answer = (Crawl & { ok: true }) | { ok: false; error: string };

/**
 * Calls `notify` with each state of the site's crawl. Calls `lost` when the server closes or refuses the connection; the
 * owner's API then tells the reason. Returns a function that stops.
 */
export function watchCrawl(siteId: string, notify: (crawl: Crawl) => void, lost: () => void): () => void {
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
    socket.timeout(ACK_MS).emitWithAck("watch_crawl", { siteId }).then((answer: Answer) => {
      if (answer.ok) notify(answer);
      else refused();
    }, reconnectLater);
  });
  socket.on("crawl_progress", (crawl: Crawl & { siteId: string }) => crawl.siteId === siteId && notify(crawl));
  socket.on("disconnect", (reason) => reason === "io server disconnect" && refused());
  // After a failed connection, socket.io-client tries again.
  socket.on("connect_error", () => socket.active || refused());
  return () => {
    clearTimeout(timer);
    socket.off();
    socket.disconnect();
  };
}
