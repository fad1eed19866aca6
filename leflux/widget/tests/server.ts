// A fake server that follows the protocol: it orders, deduplicates, fences and answers with a delay.

import { crc32 } from "../src/text.js";
import type { KnownHistory } from "../src/transcript.js";
import type { Message } from "../src/types.js";

/** The server's end of a socket. */
export interface ServerSocket {
  hear(event: string, payload: unknown): void;
  drop(): void;
}

export interface Session {
  id: string;
  messages: Message[];
  epoch: number;
  socket: ServerSocket | null;
  stream: { streamId: string; text: string; nextChunk: number } | null;
}

type Answer = { status: number; body: unknown };

export const refusal = (error: string, details?: object): { error: string; message: string; details?: object } => ({
  error,
  message: error,
  ...(details === undefined ? {} : { details }),
});
const STATUS: Record<string, number> = { session_not_found: 404, session_deleted: 410, rate_limited: 429, duplicate_id_conflict: 409, bad_json: 400, invalid_request: 400 };

export class FakeServer {
  readonly sessions = new Map<string, Session>();
  readonly deleted = new Set<string>();
  readonly calls: string[] = [];
  /** What each restore came after. */
  readonly restores: number[] = [];
  readonly inits: Record<string, unknown>[] = [];
  isDown = false;
  /** The agent answers. */
  answers = true;
  /** How many acknowledgements of stored messages are lost. */
  loseAcks = 0;
  limitMs = 0;
  /** The code with which a text is refused. */
  readonly refusals = new Map<string, string>();
  /** The socket on which this text is sent is closed. */
  hangsUpOn: string | null = null;
  refusesPrior = false;
  refusesInit = false;
  /** The clock that dates sessions and messages. */
  now: (() => number) | null = null;
  readonly said: string[] = [];
  joins = 0;
  clientTtlMs = 24 * 3_600_000;
  /** Null: the server does not tell its limit. */
  messageChars: number | null = null;
  private ids = 0;
  readonly sockets = new Set<ServerSocket>();

  constructor(readonly random: () => number = () => 0.5) {}

  id(): string {
    this.ids += 1;
    return `00000000-0000-4000-8000-${String(this.ids).padStart(12, "0")}`;
  }

  wait(action: () => void, least = 1, spread = 10): void {
    setTimeout(action, least + this.random() * spread);
  }

  find(id: string): Session {
    if (this.deleted.has(id)) throw refusal("session_deleted");
    const session = this.sessions.get(id);
    if (session === undefined) throw refusal("session_not_found");
    return session;
  }

  restored(session: Session, since: number): Record<string, unknown> {
    const history = session.messages.filter(({ seq }) => seq > since).slice(-200);
    const streams = session.stream === null ? [] : [{ ...session.stream }];
    const truncated = history.length < session.messages.length - since;
    return { sessionId: session.id, seq: session.messages.length, history, truncated, streams, task: null };
  }

  /** How often `text` was sent. */
  attempts(text: string): number {
    return this.said.filter((said) => said === text).length;
  }

  say(session: Session, clientMessageId: string, text: string): { messageId: string; seq: number } {
    const code = this.refusals.get(text);
    if (code !== undefined) throw refusal(code);
    const known = session.messages.find((message) => message.clientMessageId === clientMessageId);
    if (known !== undefined && known.text !== text) throw refusal("duplicate_id_conflict");
    if (known === undefined && this.limitMs > 0) throw refusal("rate_limited", { retryAfterMs: this.limitMs });
    const message = known ?? this.append(session, "visitor", text, clientMessageId);
    if (known === undefined && this.answers) this.wait(() => this.answer(session, text));
    return { messageId: message.id, seq: message.seq };
  }

  append(session: Session, role: Message["role"], text: string, clientMessageId?: string): Message {
    const seq = session.messages.length + 1;
    const message: Message = { id: this.id(), seq, role, text, ts: this.now?.() ?? seq, ...(clientMessageId === undefined ? {} : { clientMessageId }) };
    session.messages.push(message);
    return message;
  }

  private answer(session: Session, text: string): void {
    const words = ["echo:", ` ${text}`];
    const streamId = this.id();
    session.stream = { streamId, text: "", nextChunk: 0 };
    words.forEach((delta, chunkIndex) => {
      if (session.stream?.streamId === streamId) session.stream = { streamId, text: session.stream.text + delta, nextChunk: chunkIndex + 1 };
      session.socket?.hear("message_chunk", { streamId, chunkIndex, delta });
    });
    this.wait(() => {
      if (!this.sessions.has(session.id)) return;
      if (session.stream?.streamId === streamId) session.stream = null;
      session.socket?.hear("message_done", { streamId, message: this.append(session, "assistant", `echo: ${text}`) });
    });
  }

  evict(id: string, tell = true): void {
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    if (tell) session?.socket?.hear("session_expired", { sessionId: id });
  }

  lose(id: string): void {
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    session?.socket?.hear("history_lost", { sessionId: id });
  }

  erase(id: string): void {
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    this.deleted.add(id);
    session?.socket?.hear("session_deleted", { sessionId: id });
  }

  fall(): void {
    this.isDown = true;
    for (const socket of [...this.sockets]) socket.drop();
  }

  rise(): void {
    this.isDown = false;
  }

  readonly fetch = (url: RequestInfo | URL, options: RequestInit = {}): Promise<Response> =>
    new Promise((resolve, reject) => {
      const path = String(url).replace("http://host", "");
      const body = options.body === undefined ? {} : JSON.parse(String(options.body));
      this.calls.push(`${options.method} ${path.replace(/\?.*/, "").replace(/[0-9a-f-]{36}/, "<id>")}`);
      this.wait(() => {
        if (this.isDown) return reject(new TypeError("failed to fetch"));
        const answer = this.route(String(options.method), path, body);
        this.wait(() => resolve(new Response(JSON.stringify(answer.body), { status: answer.status })));
      });
    });

  private route(method: string, path: string, body: Record<string, string>): Answer {
    try {
      return { status: 200, body: this.handle(method, path, body) };
    } catch (error) {
      const problem = error as { error: string };
      return { status: STATUS[problem.error] ?? 500, body: problem };
    }
  }

  private handle(method: string, path: string, body: Record<string, string>): unknown {
    const retention = { clientTtlMs: this.clientTtlMs, userDataTtlMs: 30 * 86_400_000, idleTtlMs: 1, taskHoldMs: 1, readOnlyMs: 3_000 };
    const limits = this.messageChars === null ? {} : { limits: { messageChars: this.messageChars } };
    const common = { createdAt: this.now?.() ?? 1, siteConfig: { greeting: "Hi" }, retention, ...limits };
    if (path === "/api/session/init") {
      if (this.refusesInit || (this.refusesPrior && "priorHistory" in body)) throw refusal("invalid_request");
      const session: Session = { id: this.id(), messages: [], epoch: 0, socket: null, stream: null };
      this.sessions.set(session.id, session);
      this.inits.push(body);
      return { ...common, sessionId: session.id, seq: 0, history: [] };
    }
    if (path === "/api/chat") this.said.push(body["message"]!);
    if (path === "/api/chat") return this.say(this.find(body["sessionId"]!), body["clientMessageId"]!, body["message"]!);
    const session = this.find(/session\/([0-9a-f-]+)/.exec(path)![1]!);
    if (method === "DELETE") {
      this.erase(session.id);
      return { success: true };
    }
    if (method === "POST") {
      const { since = 0, first = 1, check } = body as unknown as Partial<KnownHistory>;
      const held = session.messages.filter(({ seq }) => seq >= first && seq <= since);
      const text = held.map(({ id, seq, role, text }) => `${id},${seq},${role},${text}\n`).join("");
      const from = check === crc32(text) ? since : 0;
      this.restores.push(from);
      return { ...common, ...this.restored(session, from), since: from };
    }
    const since = Number(/since=(\d+)/.exec(path)![1]);
    const rest = session.messages.filter(({ seq }) => seq > since);
    return { messages: rest.slice(0, 500), more: rest.length > 500 };
  }
}
