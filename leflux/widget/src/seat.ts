// Whether this tab owns the conversation, and what happens when another one takes it.

import type { Baton, Holder } from "./baton.js";
import type { Env } from "./env.js";
import { Timers } from "./timers.js";

/** A tab that was touched this recently is in use. */
const IN_USE_MS = 30_000;

/** What the seat tells the chat: to begin, to hang up, that the visitor is to be told. */
interface Sitter {
  readonly hasWaiting: boolean;
  granted(): void;
  hangUp(): void;
  takenOver(): void;
  changed(): void;
}

export class Seat implements Holder {
  /** Another tab took over a moment ago, while the visitor was at work here. */
  readOnly = false;
  private readonly baton: Baton;
  private readonly timers = new Timers();
  private lastUsed = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly env: Env,
    private readonly sitter: Sitter,
    private readonly readOnlyMs: () => number,
  ) {
    this.baton = env.baton(this);
  }

  get isOwner(): boolean {
    return this.baton.held;
  }

  get isInUse(): boolean {
    return this.env.visible() && Math.abs(this.env.now() - this.lastUsed) < IN_USE_MS;
  }

  used(): void {
    this.lastUsed = this.env.now();
    this.take();
  }

  seen(): void {
    if (this.env.visible()) this.take();
    this.attend();
  }

  private take(): void {
    if (!this.readOnly && !this.env.preview) this.baton.take();
  }

  /** A tab that is seen owns the conversation; one that holds something unsent is ready to. */
  attend(): void {
    if (this.env.preview || this.isOwner) return;
    if (this.env.visible() || this.sitter.hasWaiting) this.baton.standBy();
    else this.baton.release();
  }

  granted(): void {
    this.sitter.granted();
  }

  lost(): void {
    this.giveUp(this.readOnlyMs());
    this.attend();
  }

  leave(): void {
    this.baton.release();
    this.sitter.hangUp();
  }

  /** Whoever uses this tab is told, and kept from taking it back in the same breath. */
  giveUp(readOnlyMs: number): void {
    this.leave();
    if (this.isInUse) {
      this.readOnly = true;
      this.sitter.takenOver();
      this.timers.set("read-only", readOnlyMs, () => {
        this.readOnly = false;
        this.attend();
        this.sitter.changed();
      });
    }
    this.sitter.changed();
  }

  destroy(): void {
    this.timers.clear();
    this.leave();
  }
}
