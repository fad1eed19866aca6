// Live progress of a crawl. The socket is open only while a page watches.

import { ownerSocket } from "./owner-socket.js";
import type { Crawl } from "./types.js";

/**
 * Calls `notify` with each state of the site's crawl. Calls `lost` when the server closes or refuses the connection.
 * Returns a function that stops.
 */
export function watchCrawl(siteId: string, notify: (crawl: Crawl) => void, lost: () => void): () => void {
  const { socket, close } = ownerSocket<Crawl>("watch_crawl", { siteId }, notify, lost);
  socket.on("crawl_progress", (crawl: Crawl & { siteId: string }) => crawl.siteId === siteId && notify(crawl));
  return close;
}
