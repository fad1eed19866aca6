// Which refusals of the server the visitor is told of.

import type { NoticeKind } from "./types.js";

export const NOTICES: Record<string, NoticeKind> = {
  host_not_registered: "refused",
  origin_required: "refused",
  rate_limited: "rate-limited",
  store_unavailable: "unavailable",
  history_lost: "history-lost",
};
