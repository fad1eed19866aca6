// What the server tells as it happens. A socket is open only while a page watches something.

import { io } from "socket.io-client";
import { api } from "./api.js";
import type { Crawl } from "./types.js";

const ACK_MS = 8_000;
/** Refused, or sent away: the server may have restarted, or the sign-in may have ended. */
const COME_BACK_MS = 5_000;

type Answer = (Crawl & { ok: true }) | { ok: false; error: string };

/**
 * Calls `told` with each state of the site's crawl, from now on. `lost` is called when the server sent the page away or
 * will not tell it: what the owner's API answers then says why. Returns what ends it.
 */
export function watchCrawl(siteId: string, told: (crawl: Crawl) => void, lost: () => void): () => void {
  const socket = io("/dashboard", {
    forceNew: true,
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: COME_BACK_MS,
    auth: (tell) => tell({ csrfToken: api.csrf }),
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const comeBack = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => socket.disconnect().connect(), COME_BACK_MS);
  };
  const sentAway = (): void => {
    lost();
    comeBack();
  };
  socket.on("connect", () => {
    socket.timeout(ACK_MS).emitWithAck("watch_crawl", { siteId }).then((answer: Answer) => {
      if (answer.ok) told(answer);
      else sentAway();
    }, comeBack);
  });
  socket.on("crawl_progress", (crawl: Crawl & { siteId: string }) => crawl.siteId === siteId && told(crawl));
  socket.on("disconnect", (reason) => reason === "io server disconnect" && sentAway());
  // Where the connection itself failed, socket.io-client tries again.
  socket.on("connect_error", () => socket.active || sentAway());
  return () => {
    clearTimeout(timer);
    socket.off();
    socket.disconnect();
  };
}
