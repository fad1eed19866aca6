// Clearing and erasing the conversation. For some seconds it is only hidden, in every tab, and can be brought back.
// An erasure that the server has not taken yet is kept, and tried again, also after a reload.

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
  /** Deletes the conversation in this browser, with `everything` also the visitor's data. */
  clear(everything: boolean, at: number): void;
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
    return removed !== null && !removed.isGone && removed.sessionId === this.host.sessionId ? removed.how : null;
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
    if (removed === null) return;
    if (removed.isGone) return void this.erase(removed);
    const passed = Math.max(0, this.now() - removed.at);
    const wait = UNDO_MS - passed + (this.host.isLeader || passed > UNDO_MS ? 0 : OTHERS_MS);
    if (wait <= 0) this.finish();
    else this.timers.set("finish", wait, () => this.finish());
  }

  /** Ends the time for undoing. */
  finish(): void {
    const { pending } = this;
    const removed = this.store.removed();
    if (removed === null || removed.isGone) return;
    this.timers.clear();
    this.store.saveRemoved(null);
    // Another tab may have ended it, and go on in a new conversation already.
    if (pending === null || this.store.sessionId() !== removed.sessionId) return;
    this.host.clear(pending === "forget", removed.at);
    const gone = { ...removed, isGone: true };
    if (pending === "forget" && removed.sessionId !== null) {
      this.store.saveRemoved(gone);
      void this.erase(gone);
    }
    this.host.changed();
  }

  private async erase(removed: Removed): Promise<void> {
    if (this.isErasing) return;
    this.isErasing = true;
    const isErased = await this.host.erase(removed.sessionId!);
    this.isErasing = false;
    if (!isErased) this.timers.set("erase", RETRY_MS, () => this.load());
    else if (this.store.removed()?.sessionId === removed.sessionId) this.store.saveRemoved(null);
  }

  stop(): void {
    this.timers.clear();
  }
}
