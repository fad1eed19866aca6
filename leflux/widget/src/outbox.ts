// Nothing typed is lost: a message is kept here, and in the browser's storage, from the moment it is typed until
// the server has stored it. Every try carries the same id, so that the server keeps one copy.

import type { BrowserStore, Pending } from "./storage.js";

export type Verdict = "stored" | "retry" | "failed" | "stop";

export interface SendResult {
  verdict: Verdict;
  /** For `retry`: not before this many ms. For `failed`: the server's code. */
  afterMs?: number;
  code?: string;
}

export class Outbox {
  private pending: Pending[];
  private readonly mine = new Set<string>();
  private busy = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `deliver` tries one message; `changed` is called whenever what waits has changed. */
  constructor(
    private readonly store: BrowserStore,
    private readonly deliver: (message: Pending) => Promise<SendResult>,
    private readonly changed: () => void,
    private readonly random: () => number = Math.random,
  ) {
    this.pending = store.outbox();
  }

  get messages(): readonly Pending[] {
    return this.pending;
  }

  add(message: Pending): void {
    this.mine.add(message.clientMessageId);
    // Another tab may have added something since we looked.
    this.reload();
    this.pending = [...this.pending, message];
    this.save();
  }

  retry(clientMessageId: string): void {
    this.pending = this.pending.map((message) =>
      message.clientMessageId === clientMessageId
        ? { clientMessageId, text: message.text, ts: message.ts }
        : message,
    );
    this.save();
    void this.flush();
  }

  /** The message is stored, or the visitor gave it up. */
  remove(clientMessageId: string): void {
    this.mine.delete(clientMessageId);
    if (!this.pending.some((message) => message.clientMessageId === clientMessageId)) return;
    this.pending = this.pending.filter((message) => message.clientMessageId !== clientMessageId);
    this.save();
  }

  /** Take over what other tabs have written; put back what of ours a race between tabs has lost. */
  reload(): void {
    if (!this.store.persistent) return;
    const stored = this.store.outbox();
    const known = new Set(stored.map((message) => message.clientMessageId));
    const lost = this.pending.filter(
      (message) => this.mine.has(message.clientMessageId) && !known.has(message.clientMessageId),
    );
    this.pending = [...stored, ...lost].sort((a, b) => a.ts - b.ts);
  }

  clear(): void {
    this.mine.clear();
    this.pending = [];
    this.save();
  }

  /** Send what waits, one after the other, so that the order of typing is the order of storing. */
  async flush(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    try {
      for (let tries = 0; ; ) {
        const next = this.pending.find((message) => message.failed === undefined);
        if (next === undefined) return;
        const result = await this.deliver(next);
        if (result.verdict === "stop") return;
        if (result.verdict === "retry") {
          tries += 1;
          const backOff = Math.min(500 * 2 ** tries, 8_000) * (0.5 + this.random() / 2);
          this.timer = setTimeout(() => void this.flush(), Math.max(result.afterMs ?? 0, backOff));
          return;
        }
        tries = 0;
        if (result.verdict === "stored") this.remove(next.clientMessageId);
        else this.fail(next.clientMessageId, result.code ?? "failed");
      }
    } finally {
      this.busy = false;
    }
  }

  private fail(clientMessageId: string, code: string): void {
    this.pending = this.pending.map((message) =>
      message.clientMessageId === clientMessageId ? { ...message, failed: code } : message,
    );
    this.save();
  }

  private save(): void {
    this.store.saveOutbox(this.pending);
    this.changed();
  }
}
