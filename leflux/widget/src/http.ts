// The HTTP calls. Every failure is an `HttpError` with the server's code or `unreachable`.

import { isSessionId } from "./browser-store.js";
import type { InitAnswer, Refusal, RestoreAnswer } from "./protocol.js";
import { stringify } from "./text.js";
import type { KnownHistory } from "./transcript.js";
import type { Message } from "./types.js";

const TIMEOUT_MS = 12_000;

export class HttpError extends Error {
  constructor(
    readonly code: string,
    readonly retryAfterMs?: number,
    /** The same request can never succeed. */
    readonly isFinal = false,
  ) {
    super(code);
  }
}

/** Statuses below 500 of a refusal that may be lifted. */
const TEMPORARY_STATUSES = [401, 403, 404, 408, 425, 429];
/** Codes of a refusal that depends on the state of server, session or tab, not on the request. */
const TEMPORARY_CODES = [
  "not_owner", "session_not_found", "session_deleted", "invalid_session_id", "rate_limited",
  "store_unavailable", "internal_error", "host_not_registered", "origin_required",
];

/** The error for a refusal by the server (status 0: over the socket) or by something in between, which sends no code. */
export function refused(status: number, code = "unreachable", retryAfterMs?: number): HttpError {
  const isFinal = status < 500 && !TEMPORARY_STATUSES.includes(status) && !TEMPORARY_CODES.includes(code);
  return new HttpError(code, retryAfterMs, isFinal);
}

async function refusal(response: Response): Promise<HttpError> {
  const body = (await response.json().catch(() => null)) as Refusal | null;
  const code = typeof body?.error === "string" ? body.error : undefined;
  return refused(response.status, code, body?.details?.retryAfterMs);
}

export class Http {
  constructor(
    private readonly host: string,
    private readonly fetch: typeof globalThis.fetch,
  ) {}

  init(body: object): Promise<InitAnswer> {
    return this.call("POST", "/api/session/init", body, (answer) => isSessionId(answer["sessionId"]));
  }

  /** `known`: what this browser has, which is not sent again. */
  restore(sessionId: string, known: KnownHistory | null): Promise<RestoreAnswer> {
    const answers = (answer: Record<string, unknown>): boolean => Array.isArray(answer["history"]);
    return this.call("POST", `/api/session/${sessionId}`, { ...known }, answers, true);
  }

  messages(sessionId: string, since: number): Promise<{ messages: Message[]; more: boolean }> {
    const path = `/api/session/${sessionId}/messages?since=${since}&limit=500`;
    return this.call("GET", path, undefined, (answer) => Array.isArray(answer["messages"]));
  }

  chat(sessionId: string, clientMessageId: string, message: string): Promise<{ messageId: string; seq: number; text?: string; data?: object }> {
    const body = { sessionId, clientMessageId, message };
    return this.call("POST", "/api/chat", body, (answer) => Number.isSafeInteger(answer["seq"]));
  }

  async forget(sessionId: string): Promise<void> {
    await this.call("DELETE", `/api/session/${sessionId}`, undefined, () => true);
  }

  /** Calls the server. An answer that `makesSense` rejects counts as `unreachable`. */
  private async call<T>(
    method: string,
    path: string,
    body: object | undefined,
    makesSense: (answer: Record<string, unknown>) => boolean,
    /** As plain text, a call needs no preflight. */
    asText = false,
  ): Promise<T> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      const response = await this.fetch(this.host + path, {
        method,
        signal: abort.signal,
        credentials: "omit",
        // The address of the page is not sent.
        referrerPolicy: "origin",
        ...(body === undefined ? {} : { body: stringify(body), headers: { "Content-Type": asText ? "text/plain" : "application/json" } }),
      });
      if (!response.ok) throw await refusal(response);
      const answer = (await response.json()) as Record<string, unknown> | null;
      if (answer === null || typeof answer !== "object" || !makesSense(answer)) throw new HttpError("unreachable");
      return answer as T;
    } catch (error) {
      throw error instanceof HttpError ? error : new HttpError("unreachable");
    } finally {
      clearTimeout(timer);
    }
  }
}
