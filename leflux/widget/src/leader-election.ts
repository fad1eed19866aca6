// Which tab owns the conversation, and thus the socket. A Web Lock says it, since the browser itself passes it on when
// the owner's process is killed. Where there are no locks, the owner tells the others every other second.
//
// Either way the server fences: two owners at once are no harm, only one too many.

import type { Tabs } from "./tabs.js";

const LOCK = "leflux:owner";
const BEAT_MS = 2_000;
const DEAD_AFTER_MS = 6_500;
/** Two tabs that take it at once hear of each other before either starts. */
const CLAIM_MS = 60;

export interface Baton {
  readonly held: boolean;
  /** Have it now, whoever has it. */
  take(): void;
  /** Have it as soon as nobody has it. */
  standBy(): void;
  /** Give it up, or stop waiting for it. */
  release(): void;
}

/** `granted`: it is this tab's now. `lost`: another tab took it. */
export interface Holder {
  granted(): void;
  lost(): void;
}

export class LockBaton implements Baton {
  held = false;
  private letGo: (() => void) | null = null;
  private waiting: AbortController | null = null;
  private taking = false;
  private request = 0;

  constructor(
    private readonly locks: Pick<LockManager, "request">,
    private readonly holder: Holder,
  ) {}

  take(): void {
    if (this.held || this.taking) return;
    this.release();
    this.taking = true;
    this.ask({ steal: true });
  }

  standBy(): void {
    if (this.held || this.taking || this.waiting !== null) return;
    this.waiting = new AbortController();
    this.ask({ signal: this.waiting.signal });
  }

  release(): void {
    this.request += 1;
    this.waiting?.abort();
    this.letGo?.();
    this.reset();
  }

  private reset(): void {
    this.held = this.taking = false;
    this.letGo = this.waiting = null;
  }

  private ask(options: LockOptions): void {
    const request = ++this.request;
    const isMine = (): boolean => request === this.request;
    const hold = (): Promise<void> =>
      new Promise((resolve) => {
        if (!isMine()) return resolve();
        this.letGo = resolve;
        this.grant();
      });
    this.locks.request(LOCK, options, hold).catch(() => {
      if (!isMine()) return;
      const stolen = this.held;
      if (stolen) {
        this.reset();
        this.holder.lost();
      } else {
        // This page may not use locks (an opaque origin): the server alone decides.
        this.grant();
      }
    });
  }

  private grant(): void {
    this.taking = false;
    this.waiting = null;
    this.held = true;
    this.holder.granted();
  }
}

export class BeatBaton implements Baton {
  held = false;
  private at = 0;
  private heardAt: number;
  private claim: ReturnType<typeof setTimeout> | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly tabs: Tabs,
    private readonly now: () => number,
    private readonly holder: Holder,
  ) {
    this.heardAt = now();
    tabs.hear((hint, from) => {
      if (hint.type === "owner") this.other(hint.at, from);
      else if (hint.type === "bye" && this.timer !== undefined) this.take();
    });
  }

  take(): void {
    if (this.held || this.claim !== undefined) return;
    this.at = this.now();
    const beat = (): void => this.tabs.tell({ type: "owner", at: this.at });
    this.every(beat);
    beat();
    this.claim = setTimeout(() => {
      this.claim = undefined;
      this.held = true;
      this.holder.granted();
    }, CLAIM_MS);
  }

  standBy(): void {
    // A tab that hears nobody must not conclude that nobody is there.
    if (this.held || this.timer !== undefined || !this.tabs.canHear) return;
    this.heardAt = this.now();
    this.every(() => {
      if (Math.abs(this.now() - this.heardAt) > DEAD_AFTER_MS) this.take();
    });
  }

  release(): void {
    if (this.drop()) this.tabs.tell({ type: "bye" });
  }

  private other(at: number, from: string): void {
    this.heardAt = this.now();
    const wants = this.held || this.claim !== undefined;
    if (!wants || at < this.at || (at === this.at && from < this.tabs.tab)) return;
    this.drop();
    this.holder.lost();
  }

  /** True: it was held, or about to be. */
  private drop(): boolean {
    const had = this.held || this.claim !== undefined;
    clearTimeout(this.claim);
    this.claim = undefined;
    this.held = false;
    this.every(null);
    return had;
  }

  private every(action: (() => void) | null): void {
    clearInterval(this.timer);
    this.timer = action === null ? undefined : setInterval(action, BEAT_MS);
  }
}
