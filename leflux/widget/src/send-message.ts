// One attempt to send a message: over the socket, or over HTTP if the socket stays disconnected.

import type { Pending } from "./browser-store.js";
import type { Connection } from "./connection.js";
import type { Conversation } from "./conversation.js";
import { type Http, type HttpError, refused } from "./http.js";
import type { SendResult } from "./outbox.js";
import { EVENTS } from "./protocol.js";
import type { Message } from "./types.js";

/** A message goes over HTTP after the socket has been away for this time. */
export const HTTP_AFTER_MS = 2_500;
/** A message goes over HTTP after the socket was lost this often while sending it: the server may refuse it by hanging up. */
const SOCKET_TRIES = 2;

interface Stored {
  messageId: string;
  seq: number;
  sessionId?: string;
  /** The message as it is stored, when something of it was hidden. */
  text?: string;
  data?: object;
}

export interface Sender {
  readonly isLeader: boolean;
  readonly isJoined: boolean;
  /** The server serves no visitors of this page. */
  readonly isRefused: boolean;
  /** Ms since the socket was last joined to the session. */
  readonly awayMs: number;
  init(): Promise<boolean>;
  /** Describes the page ahead of a message. */
  before(): Promise<void>;
  stored(message: Message): Promise<void>;
  refused(code: string, sessionId: string): void;
}

export async function sendMessage(
  { clientMessageId, text, ts }: Pending,
  sender: Sender,
  conversation: Conversation,
  http: Http,
  connection: Connection,
  tries: number,
): Promise<SendResult> {
  if (!sender.isLeader) return { outcome: "stop" };
  const id = conversation.sessionId;
  if (id === null) {
    if (await sender.init()) return { outcome: "again" };
    return { outcome: sender.isRefused ? "stop" : "retry" };
  }
  try {
    const sent = await transmit(id);
    if (sent === null) return { outcome: "retry" };
    // The session may have been cleared or replaced in the meantime.
    if (conversation.sessionId !== id) return { outcome: "stored" };
    const shownAt = ts + conversation.clockOffset;
    const message: Message = { id: sent.messageId, seq: sent.seq, role: "visitor", text: sent.text ?? text, ts: shownAt, clientMessageId };
    if (sent.data !== undefined) message.data = sent.data;
    // A message that an earlier session has stored is shown with those of earlier sessions.
    if (sent.sessionId !== undefined) conversation.transcript.past.push(message);
    else await sender.stored(message);
    return { outcome: "stored" };
  } catch (error) {
    return afterError(id, error as HttpError);
  }

  /** Resolves with null when the outcome is unknown or the attempt must wait. */
  async function transmit(sessionId: string): Promise<Stored | null> {
    await sender.before();
    const isAway = !sender.isJoined && sender.awayMs >= HTTP_AFTER_MS;
    if (isAway || tries >= SOCKET_TRIES) return http.chat(sessionId, clientMessageId, text);
    if (!sender.isJoined) return null;
    const ack = await connection.ask<Stored>(EVENTS.send, { sessionId, clientMessageId, text });
    if (ack === null && sender.isJoined) connection.suspect();
    if (ack === null || ack.ok) return ack;
    throw refused(0, ack.error, ack.details?.retryAfterMs);
  }

  function afterError(sessionId: string, { code, retryAfterMs, isFinal }: HttpError): SendResult {
    if (isFinal) return { outcome: "failed", code };
    sender.refused(code, sessionId);
    if (code === "session_not_found" || code === "invalid_session_id") return { outcome: "again" };
    if (code === "session_deleted" || code === "host_not_registered") return { outcome: "stop" };
    return retryAfterMs === undefined ? { outcome: "retry" } : { outcome: "retry", afterMs: retryAfterMs };
  }
}
