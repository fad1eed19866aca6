// Elects the tab that holds the socket. With Web Locks, the browser passes the lock on when the leader's process dies.
// Without them, the leader sends a heartbeat to the other tabs.
//
// The server fences sockets by epoch, so two leaders at once cause no harm.

import type { Tabs } from "./tabs.js";

/** The name that tabs with an earlier release use too. */
const LOCK = "leflux:owner";
const BEAT_MS = 2_000;
const DEAD_AFTER_MS = 6_500;
/** Two tabs that take over at the same time hear of each other within this time. */
const CLAIM_MS = 60;

export interface LeaderElection {
  readonly isLeader: boolean;
  /** Becomes the leader now, replacing any other. */
  takeOver(): void;
  /** Becomes the leader as soon as there is none. */
  standBy(): void;
  /** Gives up the leadership or the candidacy. */
  resign(): void;
}

/** `elected`: this tab leads now. `lost`: another tab took over. */
export interface Candidate {
  elected(): void;
  lost(): void;
}

export class LockElection implements LeaderElection {
  isLeader = false;
  private letGo: (() => void) | null = null;
  private waiting: AbortController | null = null;
  private taking = false;
  private request = 0;

  constructor(
    private readonly locks: Pick<LockManager, "request">,
    private readonly candidate: Candidate,
  ) {}

  takeOver(): void {
    if (this.isLeader || this.taking) return;
    this.resign();
    this.taking = true;
    this.ask({ steal: true });
  }

  standBy(): void {
    if (this.isLeader || this.taking || this.waiting !== null) return;
    this.waiting = new AbortController();
    this.ask({ signal: this.waiting.signal });
  }

  resign(): void {
    this.request += 1;
    this.waiting?.abort();
    this.letGo?.();
    this.reset();
  }

  private reset(): void {
    this.isLeader = this.taking = false;
    this.letGo = this.waiting = null;
  }

  private ask(options: LockOptions): void {
    const number = ++this.request;
    const isMine = (): boolean => number === this.request;
    const hold = (): Promise<void> =>
      new Promise((resolve) => {
        if (!isMine()) return resolve();
        this.letGo = resolve;
        this.grant();
      });
    // The request itself may throw.
    const request = async (): Promise<void> => this.locks.request(LOCK, options, hold);
    request().catch(() => {
      if (!isMine()) return;
      const stolen = this.isLeader;
      if (stolen) {
        this.reset();
        this.candidate.lost();
      } else {
        // This page may not use locks (an opaque origin): only the server's fencing decides.
        this.grant();
      }
    });
  }

  private grant(): void {
    this.taking = false;
    this.waiting = null;
    this.isLeader = true;
    this.candidate.elected();
  }
}

export class HeartbeatElection implements LeaderElection {
  isLeader = false;
  private at = 0;
  private heardAt: number;
  private claim: ReturnType<typeof setTimeout> | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly tabs: Tabs,
    private readonly now: () => number,
    private readonly candidate: Candidate,
  ) {
    this.heardAt = now();
    tabs.onHint((hint, from) => {
      if (hint.type === "owner") this.other(hint.at, from);
      else if (hint.type === "bye" && this.timer !== undefined) this.takeOver();
    });
  }

  takeOver(): void {
    if (this.isLeader || this.claim !== undefined) return;
    this.at = this.now();
    const beat = (): void => this.tabs.send({ type: "owner", at: this.at });
    this.repeat(beat);
    beat();
    this.claim = setTimeout(() => {
      this.claim = undefined;
      this.isLeader = true;
      this.candidate.elected();
    }, CLAIM_MS);
  }

  standBy(): void {
    // A tab without a channel cannot tell whether there is a leader.
    if (this.isLeader || this.timer !== undefined || !this.tabs.canHear) return;
    this.heardAt = this.now();
    this.repeat(() => {
      if (Math.abs(this.now() - this.heardAt) > DEAD_AFTER_MS) this.takeOver();
    });
  }

  resign(): void {
    if (this.drop()) this.tabs.send({ type: "bye" });
  }

  private other(at: number, from: string): void {
    this.heardAt = this.now();
    const wants = this.isLeader || this.claim !== undefined;
    if (!wants || at < this.at || (at === this.at && from < this.tabs.tab)) return;
    this.drop();
    this.candidate.lost();
  }

  /** Returns true when this tab was the leader or about to be. */
  private drop(): boolean {
    const had = this.isLeader || this.claim !== undefined;
    clearTimeout(this.claim);
    this.claim = undefined;
    this.isLeader = false;
    this.repeat(null);
    return had;
  }

  private repeat(action: (() => void) | null): void {
    clearInterval(this.timer);
    this.timer = action === null ? undefined : setInterval(action, BEAT_MS);
  }
}
