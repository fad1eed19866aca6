// The HTTP calls. Whatever goes wrong is an `HttpError` with the server's code, or `unreachable`.

import type { Message } from "./types.js";
import type { InitAnswer, Refusal, RestoreAnswer } from "./wire.js";

const TIMEOUT_MS = 12_000;

export class HttpError extends Error {
  constructor(
    readonly code: string,
    readonly retryAfterMs?: number,
  ) {
    super(code);
  }
}

export class Http {
  constructor(
    private readonly host: string,
    private readonly fetch: typeof globalThis.fetch,
  ) {}

  init(body: object): Promise<InitAnswer> {
    return this.call("POST", "/api/session/init", body, (answer) => typeof answer["sessionId"] === "string");
  }

  restore(sessionId: string, url: string): Promise<RestoreAnswer> {
    return this.call("POST", `/api/session/${sessionId}`, { url }, (answer) => Array.isArray(answer["history"]));
  }

  messages(sessionId: string, since: number): Promise<{ messages: Message[]; more: boolean }> {
    const path = `/api/session/${sessionId}/messages?since=${since}&limit=500`;
    return this.call("GET", path, undefined, (answer) => Array.isArray(answer["messages"]));
  }

  chat(sessionId: string, clientMessageId: string, message: string): Promise<{ messageId: string; seq: number }> {
    const body = { sessionId, clientMessageId, message };
    return this.call("POST", "/api/chat", body, (answer) => Number.isSafeInteger(answer["seq"]));
  }

  async forget(sessionId: string): Promise<void> {
    await this.call("DELETE", `/api/session/${sessionId}`, undefined, () => true);
  }

  /** A server, or something between, that answers nonsense is as good as none: `makesSense` says so. */
  private async call<T>(
    method: string,
    path: string,
    body: object | undefined,
    makesSense: (answer: Record<string, unknown>) => boolean,
  ): Promise<T> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      const response = await this.fetch(this.host + path, {
        method,
        signal: abort.signal,
        credentials: "omit",
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
      });
      const answer = (await response.json()) as Record<string, unknown> | null;
      if (!response.ok) {
        const refusal = answer as unknown as Refusal | null;
        throw new HttpError(refusal?.error ?? "unreachable", refusal?.details?.retryAfterMs);
      }
      if (answer === null || typeof answer !== "object" || !makesSense(answer)) throw new HttpError("unreachable");
      return answer as T;
    } catch (error) {
      throw error instanceof HttpError ? error : new HttpError("unreachable");
    } finally {
      clearTimeout(timer);
    }
  }
}
