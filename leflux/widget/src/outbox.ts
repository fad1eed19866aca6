// Nothing typed is lost: a message is kept here, and in the browser's storage, from the moment it is typed until
// the server has stored it. Every try carries the same id, so that the server keeps one copy.

import type { BrowserStore, Pending } from "./storage.js";

/** `again`: something has changed, try at once. `stop`: it is not this tab's turn. */
export type Verdict = "stored" | "retry" | "again" | "failed" | "stop";

export interface SendResult {
  verdict: Verdict;
  /** For `retry`: not before this many ms. For `failed`: the server's code. */
  afterMs?: number;
  code?: string;
}

export interface Courier {
  /** Tries one message. */
  deliver(message: Pending): Promise<SendResult>;
  /** The server is known to have stored it. */
  isStored(clientMessageId: string): boolean;
  /** What waits has changed; `done` no longer does. */
  changed(done: readonly string[]): void;
}

const AGAIN_MAX = 3;
const PAUSE_MAX_MS = 8_000;

export class Outbox {
  private pending: Pending[];
  /** What the browser had no room for: only this tab knows of it. */
  private readonly unkept = new Set<string>();
  /** Given up when the conversation was cleared; the storage may still name them for a moment. */
  private readonly dropped = new Set<string>();
  private busy = false;
  private asked = false;
  private paused = false;
  private tries = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: BrowserStore,
    private readonly courier: Courier,
    private readonly random: () => number = Math.random,
  ) {
    this.pending = store.outbox();
  }

  get messages(): readonly Pending[] {
    return this.pending;
  }

  get waits(): boolean {
    return this.pending.some((message) => message.failed === undefined);
  }

  add(message: Pending): void {
    this.set([...this.known(), message]);
  }

  retry(clientMessageId: string): void {
    this.change(clientMessageId, ({ failed: _, ...message }) => message);
    void this.flush();
  }

  /** The messages are stored, or the visitor gave them up. */
  remove(...ids: string[]): void {
    this.forget(ids);
    const left = this.known().filter(({ clientMessageId }) => !ids.includes(clientMessageId));
    if (left.length < Math.max(this.pending.length, this.store.outbox().length)) this.set(left, ids);
  }

  /** Another tab has seen to these. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.unkept.delete(id);
  }

  /** Take over what other tabs have written. */
  reload(): void {
    const waiting = this.known().filter(({ clientMessageId }) => !this.courier.isStored(clientMessageId));
    if (waiting.length === this.store.outbox().length) this.pending = waiting;
    else this.set(waiting);
  }

  /** In the order of typing, whatever the clocks say. */
  private known(): Pending[] {
    if (!this.store.persistent) return this.pending;
    const stored = this.stored();
    const ids = new Set(stored.map(({ clientMessageId }) => clientMessageId));
    const lost = this.pending.filter(
      ({ clientMessageId: id }) => this.unkept.has(id) && !ids.has(id) && !this.courier.isStored(id),
    );
    return [...stored, ...lost];
  }

  private stored(): Pending[] {
    return this.store.outbox().filter(({ clientMessageId }) => !this.dropped.has(clientMessageId));
  }

  /** Give everything up. Returns the ids. */
  clear(): string[] {
    const ids = this.known().map(({ clientMessageId }) => clientMessageId);
    this.unkept.clear();
    this.drop(ids);
    this.set([], ids);
    return ids;
  }

  /** Given up in another tab: these, and what was typed before that. It need not have heard of all of them. */
  drop(ids: readonly string[], at = -Infinity): void {
    const before = [...this.pending, ...this.store.outbox()].filter(({ ts }) => ts < at);
    for (const id of [...ids, ...before.map(({ clientMessageId }) => clientMessageId)]) this.dropped.add(id);
  }

  /** Forget what this tab knows, and look at what is kept now. */
  reset(): void {
    this.unkept.clear();
    this.pending = this.store.persistent ? this.stored() : [];
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** Send what waits, one after the other, so that the order of typing is the order of storing. */
  async flush(): Promise<void> {
    this.asked = !this.paused;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.asked) {
        this.asked = false;
        clearTimeout(this.timer);
        const next = this.pending.find((message) => message.failed === undefined);
        if (next !== undefined) this.settle(next, await this.courier.deliver(next));
      }
    } finally {
      this.busy = false;
    }
  }

  private settle({ clientMessageId }: Pending, { verdict, afterMs, code }: SendResult): void {
    if (verdict === "stop") return;
    if (verdict === "stored") this.remove(clientMessageId);
    if (verdict === "failed") this.change(clientMessageId, (message) => ({ ...message, failed: code ?? "failed" }));
    const moves = verdict === "stored" || verdict === "failed";
    this.tries = moves ? 0 : this.tries + 1;
    if (moves || (verdict === "again" && this.tries <= AGAIN_MAX)) this.asked = true;
    else this.later(afterMs);
  }

  /** `afterMs` is the server's word, and nothing is tried before; a pause of our own ends as soon as something changes. */
  private later(afterMs: number | undefined): void {
    const pause = Math.min(500 * 2 ** this.tries, PAUSE_MAX_MS) * (0.5 + this.random() / 2);
    this.paused = afterMs !== undefined;
    this.timer = setTimeout(() => {
      this.paused = false;
      void this.flush();
    }, afterMs ?? pause);
  }

  private change(id: string, how: (message: Pending) => Pending): void {
    this.set(this.known().map((message) => (message.clientMessageId === id ? how(message) : message)));
  }

  private set(pending: Pending[], done: readonly string[] = []): void {
    this.pending = pending;
    for (const id of this.store.saveOutbox(pending)) this.unkept.add(id);
    this.courier.changed(done);
  }
}
