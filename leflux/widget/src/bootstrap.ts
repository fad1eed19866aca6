// Starts a page view: restores the session that the browser remembers, or creates a new one.

import type { Conversation } from "./conversation.js";
import type { Env } from "./env.js";
import type { ChatHost } from "./host.js";
import type { HttpError } from "./http.js";
import { type InitAnswer, isTask } from "./protocol.js";
import type { Timers } from "./timers.js";

const RETRY_MS = 3_000;

/** The parts of `ServerSync` that `Bootstrap` needs. */
interface SyncPort {
  readonly isRefused: boolean;
  recovered(): void;
  refused(code: string, sessionId: string | null): void;
  rejoin(): Promise<void>;
  reread(seq: number): Promise<void>;
}

export class Bootstrap {
  /** The server has answered a restore or init in this page view. */
  isDone = false;
  private hasBegun = false;
  /** The server has refused the history of earlier sessions: go on without it. */
  private isBare = false;
  private starting: Promise<boolean> | null = null;

  constructor(
    private readonly env: Env,
    private readonly conversation: Conversation,
    private readonly host: ChatHost,
    private readonly sync: SyncPort,
    private readonly timers: Timers,
  ) {}

  /** Runs once per page view. */
  async begin(): Promise<void> {
    if (this.hasBegun) return;
    this.hasBegun = true;
    const id = this.conversation.sessionId;
    if (id === null) await this.init();
    else await this.restore(id);
  }

  async restore(id: string): Promise<void> {
    try {
      const answer = await this.env.http.restore(id, this.conversation.transcript.known);
      if (this.conversation.sessionId !== id || this.host.checkStorage()) return;
      const { transcript } = this.conversation;
      const known = transcript.seq;
      this.conversation.adopt(answer);
      this.host.messagesAdded(answer.since ? transcript.merge(answer.history) : transcript.reset(answer.history));
      transcript.adoptStream(answer.streams);
      // A message may have arrived over the socket after the server answered.
      if (known > transcript.seq) void this.sync.reread(known);
      this.host.tasks.state(isTask(answer.task) ? answer.task : null);
      this.reconciled(answer, "full");
    } catch (error) {
      const { code } = error as HttpError;
      // If the server is unreachable, the socket delivers the missing messages once it connects.
      this.host.emit({ name: "restored", how: "cached" });
      this.sync.refused(code, id);
      if (this.conversation.sessionId === null) await this.init();
    }
  }

  /** Creates a session; concurrent calls share one request. Resolves with false when the server does not answer. */
  init(): Promise<boolean> {
    this.starting ??= this.env.withLock(() => this.startSession()).finally(() => {
      this.starting = null;
    });
    return this.starting;
  }

  /** Two sessions would split the conversation: a tab that comes second joins the session of the first. */
  private async startSession(): Promise<boolean> {
    this.host.reload();
    return this.conversation.sessionId !== null || this.requestSession();
  }

  private async requestSession(): Promise<boolean> {
    const { continues, drops } = this.conversation;
    const visitorId = this.env.visitorId();
    const prior = this.isBare ? [] : this.conversation.prior();
    try {
      const answer = await this.env.http.init({
        websiteUrl: this.host.page.url ?? new URL("/", this.env.url()).href,
        ...(visitorId === null ? {} : { visitorId }),
        ...(continues === null || this.isBare ? {} : { continues }),
        ...(prior.length === 0 ? {} : { priorHistory: prior }),
      });
      // If another tab created a session first, use that one.
      if (!this.host.reload() && this.conversation.drops === drops) {
        this.conversation.adopt(answer);
        this.conversation.setClock(answer.createdAt);
      }
      this.reconciled(answer, "new");
      if (this.host.isLeader) void this.sync.rejoin();
      return true;
    } catch (error) {
      const { code, retryAfterMs, isFinal } = error as HttpError;
      if (isFinal && !this.isBare) {
        this.isBare = true;
        return this.requestSession();
      }
      // No session can be had, so do not ask for ever.
      this.sync.refused(isFinal ? "host_not_registered" : code, null);
      if (!this.sync.isRefused) this.timers.set("init", retryAfterMs ?? RETRY_MS, () => void this.initIfNeeded());
      return false;
    }
  }

  private async initIfNeeded(): Promise<void> {
    if (this.host.isLeader && this.conversation.sessionId === null) await this.init();
  }

  private reconciled(answer: InitAnswer, how: "full" | "new"): void {
    this.isDone = true;
    this.sync.recovered();
    this.host.emit({ name: "config", config: answer.siteConfig ?? {} });
    this.host.emit({ name: "restored", how });
    this.host.saved();
  }
}
