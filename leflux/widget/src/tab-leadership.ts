// Decides when this tab seeks the leadership, and what happens when another tab takes over.

import type { Env } from "./env.js";
import type { Candidate, LeaderElection } from "./leader-election.js";
import { Timers } from "./timers.js";

/** A tab that was used within this time counts as in use. */
const IN_USE_MS = 30_000;

/** What the leadership needs of the chat. */
interface LeadershipHost {
  readonly hasWaiting: boolean;
  elected(): void;
  disconnect(): void;
  readonly tasks: { giveUp(): void };
  takenOver(): void;
  changed(): void;
}

export class TabLeadership implements Candidate {
  /** Another tab took over a moment ago while this tab was in use. */
  readOnly = false;
  private readonly election: LeaderElection;
  private readonly timers = new Timers();
  private lastUsed = Number.NEGATIVE_INFINITY;
  /** The page before this one was the leader: a task goes on, although nobody looks. */
  private hasLed: boolean;

  constructor(
    private readonly env: Env,
    private readonly host: LeadershipHost,
    private readonly readOnlyMs: () => number,
  ) {
    this.election = env.elect(this);
    this.hasLed = env.leaderMemory.recall();
  }

  get isLeader(): boolean {
    return this.election.isLeader;
  }

  get isInUse(): boolean {
    return this.env.visible() && Math.abs(this.env.now() - this.lastUsed) < IN_USE_MS;
  }

  used(): void {
    this.lastUsed = this.env.now();
    this.takeOver();
  }

  seen(): void {
    if (this.env.visible()) this.takeOver();
    this.updateCandidacy();
  }

  private takeOver(): void {
    if (!this.readOnly && !this.env.preview) this.election.takeOver();
  }

  /** A visible tab, one with unsent messages, or one that leaves a leading page, is a candidate. */
  updateCandidacy(): void {
    if (this.env.preview || this.isLeader) return;
    if (this.env.visible() || this.host.hasWaiting || this.hasLed) this.election.standBy();
    else this.election.resign();
  }

  elected(): void {
    this.host.elected();
  }

  lost(): void {
    this.hasLed = false;
    this.stepDown(this.readOnlyMs());
    this.updateCandidacy();
  }

  leave(): void {
    if (this.isLeader) this.env.leaderMemory.keep();
    this.election.resign();
    this.host.disconnect();
  }

  /** Makes a tab in use read-only for a moment, so that it does not take the leadership back at once. */
  stepDown(readOnlyMs: number): void {
    this.host.tasks.giveUp();
    this.leave();
    if (this.isInUse) {
      this.readOnly = true;
      this.host.takenOver();
      this.timers.set("read-only", readOnlyMs, () => {
        this.readOnly = false;
        // The leader sends what is queued here, if it can.
        if (this.host.hasWaiting) this.takeOver();
        this.updateCandidacy();
        this.host.changed();
      });
    }
    this.host.changed();
  }

  destroy(): void {
    this.timers.clear();
    this.leave();
  }
}
