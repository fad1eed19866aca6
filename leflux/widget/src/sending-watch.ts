// Notices a message that does not reach the server, whatever the reason.

import { Timers } from "./timers.js";

/** A message that waits for longer is told to the visitor. */
const STUCK_MS = 4_000;

export class SendingWatch {
  isStuck = false;
  private readonly timers = new Timers();

  /** `changed` is called when a message is stuck. */
  constructor(private readonly changed: () => void) {}

  update(isWaiting: boolean): void {
    this.isStuck &&= isWaiting;
    if (!isWaiting) this.timers.clear();
    else if (!this.isStuck && !this.timers.has("stuck")) this.timers.set("stuck", STUCK_MS, () => {
      this.isStuck = true;
      this.changed();
    });
  }

  stop(): void {
    this.timers.clear();
  }
}
