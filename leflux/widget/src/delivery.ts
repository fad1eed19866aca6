// One try to deliver one message: by the socket, or over HTTP when the socket stays away.

import type { Connection } from "./connection.js";
import type { Conversation } from "./conversation.js";
import { Http, HttpError } from "./http.js";
import type { SendResult } from "./outbox.js";
import type { Pending } from "./storage.js";
import type { Message } from "./types.js";

/** The socket may be away this long before a message goes over HTTP instead. */
export const HTTP_AFTER_MS = 2_500;
const FINAL = new Set(["invalid_message", "invalid_request", "duplicate_id_conflict", "payload_too_large"]);

export interface Sender {
  readonly isOwner: boolean;
  readonly isJoined: boolean;
  /** When the socket was lost; 0 while it is there or was never tried. */
  readonly downSince: number;
  init(): Promise<boolean>;
  stored(message: Message): Promise<void>;
  refused(code: string): void;
}

export class Delivery {
  constructor(
    private readonly sender: Sender,
    private readonly conversation: Conversation,
    private readonly http: Http,
    private readonly connection: Connection,
    private readonly now: () => number,
  ) {}

  async deliver(pending: Pending): Promise<SendResult> {
    const { sender, conversation } = this;
    if (!sender.isOwner) return { verdict: "stop" };
    if (conversation.sessionId === null && !(await sender.init())) return { verdict: "retry" };
    const id = conversation.sessionId;
    if (id === null) return { verdict: "retry" };
    try {
      const sent = await this.transmit(id, pending);
      if (sent === null) return { verdict: "retry" };
      const { clientMessageId, text, ts } = pending;
      await sender.stored({ id: sent.messageId, seq: sent.seq, role: "visitor", text, ts, clientMessageId });
      return { verdict: "stored" };
    } catch (error) {
      return this.undelivered(error as HttpError);
    }
  }

  /** Null: it is not known whether it arrived, or it cannot be tried yet. */
  private async transmit(id: string, pending: Pending): Promise<{ messageId: string; seq: number } | null> {
    const { clientMessageId, text } = pending;
    const { sender } = this;
    if (sender.isJoined) {
      const ack = await this.connection.send(id, clientMessageId, text);
      if (ack === null || ack.ok) return ack;
      throw new HttpError(ack.error, ack.details?.retryAfterMs);
    }
    if (sender.downSince === 0 || this.now() - sender.downSince < HTTP_AFTER_MS) return null;
    return this.http.chat(id, clientMessageId, text);
  }

  private undelivered({ code, retryAfterMs }: HttpError): SendResult {
    if (FINAL.has(code)) return { verdict: "failed", code };
    this.sender.refused(code);
    if (code === "session_deleted" || code === "not_owner") return { verdict: "stop" };
    return retryAfterMs === undefined ? { verdict: "retry" } : { verdict: "retry", afterMs: retryAfterMs };
  }
}
