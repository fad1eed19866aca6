// How a page view begins: one restore of the session that the browser remembers, or one init of a fresh one.

import type { Conversation } from "./conversation.js";
import type { Desk, Env } from "./env.js";
import type { HttpError } from "./http.js";
import type { Timers } from "./timers.js";
import type { InitAnswer } from "./wire.js";

const RETRY_MS = 3_000;

/** What opening needs of the socket's side. */
interface Side {
  readonly url: string;
  readonly isRefused: boolean;
  recovered(): void;
  refused(code: string, sessionId: string | null): void;
  rejoin(): Promise<void>;
  reread(seq: number): Promise<void>;
}

export class Opening {
  /** The server has told what it knows, at least once in this page view. */
  isDone = false;
  private hasBegun = false;
  private starting: Promise<boolean> | null = null;

  constructor(
    private readonly env: Env,
    private readonly conversation: Conversation,
    private readonly desk: Desk,
    private readonly side: Side,
    private readonly timers: Timers,
  ) {}

  /** Once for each page view. */
  async begin(): Promise<void> {
    if (this.hasBegun) return;
    this.hasBegun = true;
    const id = this.conversation.sessionId;
    if (id === null) await this.init();
    else await this.restore(id);
  }

  async restore(id: string): Promise<void> {
    try {
      const answer = await this.env.http.restore(id, this.side.url);
      if (this.conversation.sessionId !== id || this.desk.checkStorage()) return;
      const { transcript } = this.conversation;
      const known = transcript.seq;
      this.conversation.adopt(answer);
      this.desk.took(transcript.reset(answer.history));
      transcript.stream = answer.streams?.[0] ?? null;
      // Something may have come over the socket since the server answered.
      if (known > transcript.seq) void this.side.reread(known);
      this.desk.progress.state(answer.task);
      this.reconciled(answer, "full");
    } catch (error) {
      const { code } = error as HttpError;
      // When it is unreachable, the socket brings what is missing as soon as there is one.
      this.desk.emit({ name: "restored", how: "cached" });
      this.side.refused(code, id);
      if (this.conversation.sessionId === null) await this.init();
    }
  }

  /** A fresh session, once at a time. False when the server cannot be asked now. */
  init(): Promise<boolean> {
    this.starting ??= this.env.alone(() => this.startSession()).finally(() => {
      this.starting = null;
    });
    return this.starting;
  }

  /** Two sessions for one conversation would part what was said: the tab that comes second goes where the first went. */
  private async startSession(): Promise<boolean> {
    this.desk.follow();
    return this.conversation.sessionId !== null || this.requestSession();
  }

  private async requestSession(): Promise<boolean> {
    const { continues, drops } = this.conversation;
    const visitorId = this.env.visitorId();
    const prior = this.conversation.prior();
    try {
      const answer = await this.env.http.init({
        websiteUrl: this.side.url,
        ...(visitorId === null ? {} : { visitorId }),
        ...(continues === null ? {} : { continues }),
        ...(prior.length === 0 ? {} : { priorHistory: prior }),
      });
      // Another tab may have been faster; then all go where it went.
      if (!this.desk.follow() && this.conversation.drops === drops) this.conversation.adopt(answer);
      this.reconciled(answer, "new");
      if (this.desk.isOwner) void this.side.rejoin();
      return true;
    } catch (error) {
      const { code, retryAfterMs } = error as HttpError;
      this.side.refused(code, null);
      if (!this.side.isRefused) this.timers.set("init", retryAfterMs ?? RETRY_MS, () => void this.initIfNeeded());
      return false;
    }
  }

  private async initIfNeeded(): Promise<void> {
    if (this.desk.isOwner && this.conversation.sessionId === null) await this.init();
  }

  private reconciled(answer: InitAnswer, how: "full" | "new"): void {
    this.isDone = true;
    this.side.recovered();
    this.desk.emit({ name: "config", config: answer.siteConfig ?? {} });
    this.desk.emit({ name: "restored", how });
    this.desk.saved();
  }
}
