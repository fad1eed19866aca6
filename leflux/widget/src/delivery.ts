// One try to deliver one message: by the socket, or over HTTP when the socket stays away.

import type { Connection } from "./connection.js";
import type { Conversation } from "./conversation.js";
import { type Http, HttpError } from "./http.js";
import type { SendResult } from "./outbox.js";
import type { Pending } from "./storage.js";
import type { Message } from "./types.js";
import { EVENTS } from "./wire.js";

/** The socket may be away this long before a message goes over HTTP instead. */
export const HTTP_AFTER_MS = 2_500;
const FINAL = ["invalid_message", "invalid_request", "duplicate_id_conflict", "payload_too_large"];

interface Stored {
  messageId: string;
  seq: number;
}

export interface Sender {
  readonly isOwner: boolean;
  readonly isJoined: boolean;
  /** How long the socket has been without the session, in ms. */
  readonly awayMs: number;
  init(): Promise<boolean>;
  stored(message: Message): Promise<void>;
  refused(code: string, sessionId: string): void;
}

export async function deliver(
  { clientMessageId, text, ts }: Pending,
  sender: Sender,
  conversation: Conversation,
  http: Http,
  connection: Connection,
): Promise<SendResult> {
  if (!sender.isOwner) return { verdict: "stop" };
  const id = conversation.sessionId;
  if (id === null) return { verdict: (await sender.init()) ? "again" : "retry" };
  try {
    const sent = await transmit(id);
    if (sent === null) return { verdict: "retry" };
    // The session may have been cleared or replaced while the answer was on its way.
    if (conversation.sessionId !== id) return { verdict: "stored" };
    await sender.stored({ id: sent.messageId, seq: sent.seq, role: "visitor", text, ts, clientMessageId });
    return { verdict: "stored" };
  } catch (error) {
    return undelivered(id, error as HttpError);
  }

  /** Null: it is not known whether it arrived, or it cannot be tried yet. */
  async function transmit(sessionId: string): Promise<Stored | null> {
    if (!sender.isJoined) return sender.awayMs < HTTP_AFTER_MS ? null : http.chat(sessionId, clientMessageId, text);
    const ack = await connection.ask<Stored>(EVENTS.send, { sessionId, clientMessageId, text });
    // Silence on an open socket: it may be half-open, and only a new one tells.
    if (ack === null && sender.isJoined) connection.reopen();
    if (ack === null || ack.ok) return ack;
    throw new HttpError(ack.error, ack.details?.retryAfterMs);
  }

  function undelivered(sessionId: string, { code, retryAfterMs }: HttpError): SendResult {
    if (FINAL.includes(code)) return { verdict: "failed", code };
    sender.refused(code, sessionId);
    if (code === "session_not_found") return { verdict: "again" };
    if (code === "session_deleted" || code === "host_not_registered") return { verdict: "stop" };
    return retryAfterMs === undefined ? { verdict: "retry" } : { verdict: "retry", afterMs: retryAfterMs };
  }
}
