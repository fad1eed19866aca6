// Clearing and erasing the conversation. For some seconds it is only hidden, in every tab, and can be brought back.
// An erasure that the server has not taken yet is kept in a list, and tried again, also after a reload.

import type { BrowserStore, Removed } from "./browser-store.js";
import { Timers } from "./timers.js";

const UNDO_MS = 5_000;
/** The tabs that do not lead come later, in case that the leader is gone. */
const OTHERS_MS = 1_500;
const RETRY_MS = 3_000;

export type RemovalKind = Removed["how"];

export interface RemovalHost {
  readonly isLeader: boolean;
  readonly sessionId: string | null;
  /** Every session of the conversation. */
  readonly sessionIds: readonly string[];
  /** Deletes the conversation and the visitor's data in this browser. */
  clear(at: number): void;
  /** Deletes what counts the visitor. */
  forgetVisitor(): void;
  /** Resolves with false when the server did not answer. */
  erase(sessionId: string): Promise<boolean>;
  /** What is shown has changed, here and in the other tabs. */
  changed(): void;
}

export class Removal {
  private readonly timers = new Timers();
  private isErasing = false;

  constructor(
    private readonly store: BrowserStore,
    private readonly host: RemovalHost,
    private readonly now: () => number,
  ) {}

  /** What can be undone now. */
  get pending(): RemovalKind | null {
    const removed = this.store.removed();
    return removed !== null && removed.sessionId === this.host.sessionId ? removed.how : null;
  }

  begin(how: RemovalKind): void {
    this.finish();
    this.store.saveRemoved({ how, sessionId: this.host.sessionId, at: this.now() });
    this.load();
    this.host.changed();
  }

  undo(): void {
    if (this.pending === null) return;
    this.store.saveRemoved(null);
    this.timers.clear();
    this.host.changed();
  }

  /** Takes up what this browser has begun, in another tab or before a reload. */
  load(): void {
    const removed = this.store.removed();
    this.timers.clear();
    if (this.store.erasing().length > 0) void this.erase();
    if (removed === null) return;
    const passed = Math.max(0, this.now() - removed.at);
    const wait = UNDO_MS - passed + (this.host.isLeader || passed > UNDO_MS ? 0 : OTHERS_MS);
    if (wait <= 0) this.finish();
    else this.timers.set("finish", wait, () => this.finish());
  }

  /** Ends the time for undoing. */
  finish(): void {
    const { pending, store } = this;
    const removed = store.removed();
    if (removed === null) return;
    this.timers.clear();
    // Another tab may have ended it, and go on in a new conversation already.
    const isOurs = pending !== null && store.sessionId() === removed.sessionId;
    if (isOurs && pending === "forget") {
      // First: what was promised must not be lost if this tab ends now.
      store.saveErasing([...new Set([...store.erasing(), ...this.host.sessionIds])]);
      this.host.forgetVisitor();
    }
    store.saveRemoved(null);
    if (!isOurs) return;
    this.host.clear(removed.at);
    void this.erase();
    this.host.changed();
  }

  private async erase(): Promise<void> {
    if (this.isErasing) return;
    this.isErasing = true;
    let isTaken = true;
    for (const id of this.store.erasing()) {
      const isErased = await this.host.erase(id);
      if (isErased) this.store.saveErasing(this.store.erasing().filter((other) => other !== id));
      isTaken &&= isErased;
    }
    this.isErasing = false;
    if (!isTaken) this.timers.set("erase", RETRY_MS, () => void this.erase());
  }

  stop(): void {
    this.timers.clear();
  }
}
