// A server for tests that keeps the promises of the protocol: it orders, deduplicates and fences, and answers late.

import type { Connect, Connection, Link, Where } from "../src/connection.js";
import type { Message } from "../src/types.js";

interface Session {
  id: string;
  messages: Message[];
  epoch: number;
  seat: FakeSocket | null;
  stream: { streamId: string; text: string; nextChunk: number } | null;
}

type Answer = { status: number; body: unknown };

const refusal = (error: string, details?: object): { error: string; message: string; details?: object } => ({
  error,
  message: error,
  ...(details === undefined ? {} : { details }),
});
const STATUS: Record<string, number> = { session_not_found: 404, session_deleted: 410, rate_limited: 429, duplicate_id_conflict: 409 };

export class FakeServer {
  readonly sessions = new Map<string, Session>();
  readonly deleted = new Set<string>();
  readonly calls: string[] = [];
  readonly inits: Record<string, unknown>[] = [];
  isDown = false;
  /** Whether the agent answers. */
  answers = true;
  /** Stored, but the acknowledgement is lost: this many times. */
  loseAcks = 0;
  limitMs = 0;
  joins = 0;
  clientTtlMs = 24 * 3_600_000;
  private ids = 0;
  readonly sockets = new Set<FakeSocket>();

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

  say(session: Session, clientMessageId: string, text: string): { messageId: string; seq: number } {
    const known = session.messages.find((message) => message.clientMessageId === clientMessageId);
    if (known !== undefined && known.text !== text) throw refusal("duplicate_id_conflict");
    if (known === undefined && this.limitMs > 0) throw refusal("rate_limited", { retryAfterMs: this.limitMs });
    const message = known ?? this.append(session, "visitor", text, clientMessageId);
    if (known === undefined && this.answers) this.wait(() => this.answer(session, text));
    return { messageId: message.id, seq: message.seq };
  }

  append(session: Session, role: Message["role"], text: string, clientMessageId?: string): Message {
    const seq = session.messages.length + 1;
    const message: Message = { id: this.id(), seq, role, text, ts: seq, ...(clientMessageId === undefined ? {} : { clientMessageId }) };
    session.messages.push(message);
    return message;
  }

  private answer(session: Session, text: string): void {
    const words = ["echo:", ` ${text}`];
    const streamId = this.id();
    session.stream = { streamId, text: "", nextChunk: 0 };
    words.forEach((delta, chunkIndex) => {
      if (session.stream?.streamId === streamId) session.stream = { streamId, text: session.stream.text + delta, nextChunk: chunkIndex + 1 };
      session.seat?.hear("message_chunk", { streamId, chunkIndex, delta });
    });
    this.wait(() => {
      if (!this.sessions.has(session.id)) return;
      if (session.stream?.streamId === streamId) session.stream = null;
      session.seat?.hear("message_done", { streamId, message: this.append(session, "assistant", `echo: ${text}`) });
    });
  }

  evict(id: string, tell = true): void {
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    if (tell) session?.seat?.hear("session_expired", { sessionId: id });
  }

  erase(id: string): void {
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    this.deleted.add(id);
    session?.seat?.hear("session_deleted", { sessionId: id });
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
    const common = { createdAt: 1, siteConfig: { greeting: "Hi" }, retention };
    if (path === "/api/session/init") {
      const session: Session = { id: this.id(), messages: [], epoch: 0, seat: null, stream: null };
      this.sessions.set(session.id, session);
      this.inits.push(body);
      return { ...common, sessionId: session.id, seq: 0, history: [] };
    }
    if (path === "/api/chat") return this.say(this.find(body["sessionId"]!), body["clientMessageId"]!, body["message"]!);
    const session = this.find(/session\/([0-9a-f-]+)/.exec(path)![1]!);
    if (method === "DELETE") return this.erase(session.id), { success: true };
    if (method === "POST") return { ...common, ...this.restored(session, 0) };
    const since = Number(/since=(\d+)/.exec(path)![1]);
    const rest = session.messages.filter(({ seq }) => seq > since);
    return { messages: rest.slice(0, 500), more: rest.length > 500 };
  }
}

/** A socket of one tab; `connect` is what `Chat` is given. */
export class FakeSocket implements Connection {
  connected = false;
  /** Every try to connect. */
  tries = 0;
  private wanted = false;
  private session: Session | null = null;
  private epoch = 0;
  private readonly handlers = new Map<string, ((payload: never) => void)[]>();

  constructor(
    private readonly server: FakeServer,
    private readonly where: () => Where,
    private readonly link: Link,
  ) {}

  on(event: string, handler: (payload: never) => void): void {
    this.handlers.set(event, [...(this.handlers.get(event) ?? []), handler]);
  }

  hear(event: string, payload: unknown): void {
    const copy = structuredClone(payload);
    this.server.wait(() => {
      if (this.connected) for (const handler of this.handlers.get(event) ?? []) handler(copy as never);
    }, 1, 0);
  }

  open(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.connect();
  }

  private connect(): void {
    if (!this.wanted || this.connected) return;
    this.tries += 1;
    const auth = this.where();
    this.server.wait(() => {
      if (!this.wanted || this.connected) return;
      if (this.server.isDown) return this.lose();
      this.connected = true;
      this.server.sockets.add(this);
      this.link.up();
      if (auth.sessionId === null) return;
      const answer = this.join(auth as { sessionId: string; since: number });
      if (answer["ok"] === false) this.server.wait(() => this.link.refused(answer["error"] as string));
    });
  }

  private lose(): void {
    this.link.down();
    setTimeout(() => this.connect(), 400);
  }

  drop(): void {
    if (!this.connected) return;
    this.unseat();
    this.lose();
  }

  private unseat(): void {
    this.connected = false;
    this.server.sockets.delete(this);
    if (this.session?.seat === this) this.session.seat = null;
    this.session = null;
  }

  close(): void {
    this.wanted = false;
    if (!this.connected) return;
    this.unseat();
    this.link.down();
  }

  reopen(): void {
    this.close();
    this.open();
  }

  private join({ sessionId, since }: { sessionId: string; since: number }): Record<string, unknown> {
    try {
      const session = this.server.find(sessionId);
      const older = session.seat;
      session.epoch += 1;
      if (older !== null && older !== this) older.hear("session_taken_over", { sessionId, readOnlyMs: 3_000 });
      if (this.session?.seat === this) this.session.seat = null;
      [session.seat, this.session, this.epoch] = [this, session, session.epoch];
      this.server.joins += 1;
      const joined = { ...this.server.restored(session, since), epoch: session.epoch, ok: true };
      this.hear("session_joined", joined);
      return joined;
    } catch (problem) {
      return { ok: false, ...(problem as object) };
    }
  }

  ask<T>(event: string, payload: object): Promise<T & never> {
    return new Promise((resolve) => {
      const lost = (): void => resolve(null as T & never);
      if (!this.connected) return void setTimeout(lost, 8_000);
      this.server.wait(() => {
        if (!this.connected) return void setTimeout(lost, 8_000);
        const answer = this.handle(event, payload as Record<string, string>);
        if (answer === null) return void setTimeout(lost, 8_000);
        this.server.wait(() => (this.connected ? resolve(answer as T & never) : setTimeout(lost, 8_000)), 1, 3);
      });
    });
  }

  private handle(event: string, payload: Record<string, string>): unknown {
    if (event === "join_session") return this.join(payload as never);
    if (event !== "send_message") return { ok: true };
    try {
      const session = this.server.find(payload["sessionId"]!);
      if (session.seat !== this || session.epoch !== this.epoch) throw refusal("not_owner");
      const stored = this.server.say(session, payload["clientMessageId"]!, payload["text"]!);
      if (this.server.loseAcks > 0) {
        this.server.loseAcks -= 1;
        return null;
      }
      return { ok: true, ...stored };
    } catch (problem) {
      return { ok: false, ...(problem as object) };
    }
  }
}

export const connectTo =
  (server: FakeServer, made: (socket: FakeSocket) => void): Connect =>
  (where, link) => {
    const socket = new FakeSocket(server, where, link);
    made(socket);
    return socket;
  };
