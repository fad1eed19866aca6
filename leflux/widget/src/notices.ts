// The notice above the conversation: what hinders it at the moment.

import type { Pending } from "./browser-store.js";
import type { NoticeKind } from "./types.js";

/** The notice about a refusal by the server. */
export const NOTICES: Record<string, NoticeKind> = {
  host_not_registered: "refused",
  origin_required: "refused",
  rate_limited: "rate-limited",
  store_unavailable: "unavailable",
  history_lost: "history-lost",
};
/** The refusals of a message that is too long. */
const TOO_LONG = ["invalid_message", "payload_too_large"];

export interface Hindrances {
  readonly readOnly: boolean;
  readonly isLeader: boolean;
  readonly sync: { readonly isDown: boolean; readonly problem: NoticeKind | null };
  readonly outbox: { readonly messages: readonly Pending[] };
}

export function noticeOf({ readOnly, isLeader, sync, outbox }: Hindrances, isOnline: boolean, isStuck: boolean): NoticeKind | null {
  if (readOnly) return "taken-over";
  if (isLeader && sync.isDown && !isOnline) return "offline";
  if (sync.problem !== null) return sync.problem;
  if (isLeader && (sync.isDown || isStuck)) return "reconnecting";
  return outbox.messages.some(({ failed }) => TOO_LONG.includes(failed ?? "")) ? "too-long" : null;
}
