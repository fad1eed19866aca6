// The socket of one tab to the fake server.

import type { Connect, Connection, ConnectionListener, ResumePoint } from "../src/connection.js";
import { type FakeServer, refusal, type ServerSocket, type Session } from "./server.js";

/** A socket of one tab; `connect` is what `Chat` is given. */
export class FakeSocket implements Connection, ServerSocket {
  connected = false;
  /** The number of attempts to connect. */
  tries = 0;
  private wanted = false;
  private session: Session | null = null;
  private epoch = 0;
  private readonly handlers = new Map<string, ((payload: never) => void)[]>();

  constructor(
    private readonly server: FakeServer,
    private readonly resumePoint: () => ResumePoint,
    private readonly listener: ConnectionListener,
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
    const auth = this.resumePoint();
    this.server.wait(() => {
      if (!this.wanted || this.connected) return;
      if (this.server.isDown) return this.lose();
      this.connected = true;
      this.server.sockets.add(this);
      this.listener.up();
      if (auth.sessionId === null) return;
      const answer = this.join(auth as { sessionId: string; since: number });
      if (answer["ok"] === false) this.server.wait(() => this.listener.refused(answer["error"] as string));
    });
  }

  private lose(): void {
    this.listener.down();
    setTimeout(() => this.connect(), 400);
  }

  drop(): void {
    if (!this.connected) return;
    this.unjoin();
    this.lose();
  }

  private unjoin(): void {
    this.connected = false;
    this.server.sockets.delete(this);
    if (this.session?.socket === this) this.session.socket = null;
    this.session = null;
  }

  close(): void {
    this.wanted = false;
    if (!this.connected) return;
    this.unjoin();
    this.listener.down();
  }

  reopen(): void {
    this.close();
    this.open();
  }

  suspect(): void {
    this.reopen();
  }

  private join({ sessionId, since }: { sessionId: string; since: number }): Record<string, unknown> {
    try {
      const session = this.server.find(sessionId);
      const older = session.socket;
      session.epoch += 1;
      if (older !== null && older !== this) older.hear("session_taken_over", { sessionId, readOnlyMs: 3_000 });
      if (this.session?.socket === this) this.session.socket = null;
      [session.socket, this.session, this.epoch] = [this, session, session.epoch];
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
      if (!this.connected) return void setTimeout(lost, 5_000);
      this.server.wait(() => {
        if (!this.connected) return void setTimeout(lost, 5_000);
        const answer = this.handle(event, payload as Record<string, string>);
        if (answer === null) return void setTimeout(lost, 5_000);
        this.server.wait(() => (this.connected ? resolve(answer as T & never) : setTimeout(lost, 5_000)), 1, 3);
      });
    });
  }

  private handle(event: string, payload: Record<string, string>): unknown {
    if (event === "join_session") return this.join(payload as never);
    if (event !== "send_message") return { ok: true };
    this.server.said.push(payload["text"]!);
    if (this.server.hangsUpOn === payload["text"]) {
      this.drop();
      return null;
    }
    try {
      const session = this.server.find(payload["sessionId"]!);
      if (session.socket !== this || session.epoch !== this.epoch) throw refusal("not_owner");
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
  (resumePoint, listener) => {
    const socket = new FakeSocket(server, resumePoint, listener);
    made(socket);
    return socket;
  };
