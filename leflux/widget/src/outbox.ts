// Messages that wait to be sent. A message is stored in the browser from the moment it is typed until the server has
// stored it. Each attempt carries the same id, so the server keeps one copy.

import type { BrowserStore, Pending } from "./browser-store.js";

/** `again`: the state has changed, try at once. `stop`: this tab must not send. */
export type SendOutcome = "stored" | "retry" | "again" | "failed" | "stop";

export interface SendResult {
  outcome: SendOutcome;
  /** For `retry`: the least delay in ms. */
  afterMs?: number;
  /** For `failed`: the server's code. */
  code?: string;
}

export interface OutboxHost {
  /** Makes one attempt to send a message, after `tries` others. */
  send(message: Pending, tries: number): Promise<SendResult>;
  /** True when the server is known to have stored the message. */
  isStored(clientMessageId: string): boolean;
  /** The queue has changed; `done` are the ids that left it. */
  changed(done: readonly string[]): void;
}

const AGAIN_MAX = 3;
const PAUSE_MAX_MS = 8_000;

export class Outbox {
  private pending: Pending[];
  /** Messages that the browser could not store; only this tab has them. */
  private readonly unkept = new Set<string>();
  /** Messages of a cleared conversation; the storage may still contain them for a moment. */
  private readonly dropped = new Set<string>();
  private busy = false;
  private asked = false;
  private paused = false;
  private tries = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: BrowserStore,
    private readonly host: OutboxHost,
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

  /** Removes messages that the server has stored or the visitor has discarded. */
  remove(...ids: string[]): void {
    this.forget(ids);
    const left = this.known().filter(({ clientMessageId }) => !ids.includes(clientMessageId));
    if (left.length < Math.max(this.pending.length, this.store.outbox().length)) this.set(left, ids);
  }

  /** Another tab has removed these. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.unkept.delete(id);
  }

  /** Loads what other tabs have stored. */
  reload(): void {
    const waiting = this.known().filter(({ clientMessageId }) => !this.host.isStored(clientMessageId));
    if (waiting.length === this.store.outbox().length) this.pending = waiting;
    else this.set(waiting);
  }

  /** All waiting messages, in the order of typing. */
  private known(): Pending[] {
    if (!this.store.persistent) return this.pending;
    const stored = this.stored();
    const ids = new Set(stored.map(({ clientMessageId }) => clientMessageId));
    const lost = this.pending.filter(
      ({ clientMessageId: id }) => this.unkept.has(id) && !ids.has(id) && !this.host.isStored(id),
    );
    return [...stored, ...lost];
  }

  private stored(): Pending[] {
    return this.store.outbox().filter(({ clientMessageId }) => !this.dropped.has(clientMessageId));
  }

  /** Discards all messages. Returns their ids. */
  clear(): string[] {
    const ids = this.known().map(({ clientMessageId }) => clientMessageId);
    this.unkept.clear();
    this.drop(ids);
    this.set([], ids);
    return ids;
  }

  /** Another tab has discarded `ids` and every message typed before `at`. It may not have known all of them. */
  drop(ids: readonly string[], at = -Infinity): void {
    const before = [...this.pending, ...this.store.outbox()].filter(({ ts }) => ts < at);
    for (const id of [...ids, ...before.map(({ clientMessageId }) => clientMessageId)]) this.dropped.add(id);
  }

  /** Discards this tab's state and loads what is stored. */
  reset(): void {
    this.unkept.clear();
    this.pending = this.store.persistent ? this.stored() : [];
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** Sends the messages one by one, so the server stores them in the order of typing. */
  async flush(): Promise<void> {
    this.asked = !this.paused;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.asked) {
        this.asked = false;
        clearTimeout(this.timer);
        const next = this.pending.find((message) => message.failed === undefined);
        if (next !== undefined) this.settle(next, await this.host.send(next, this.tries));
      }
    } finally {
      this.busy = false;
    }
  }

  private settle({ clientMessageId }: Pending, { outcome, afterMs, code }: SendResult): void {
    if (outcome === "stop") return;
    if (outcome === "stored") this.remove(clientMessageId);
    if (outcome === "failed") this.change(clientMessageId, (message) => ({ ...message, failed: code ?? "failed" }));
    const moves = outcome === "stored" || outcome === "failed";
    this.tries = moves ? 0 : this.tries + 1;
    if (moves || (outcome === "again" && this.tries <= AGAIN_MAX)) this.asked = true;
    else this.later(afterMs);
  }

  /** Nothing is sent before the server's `afterMs` has passed. A pause without `afterMs` ends with the next `flush`. */
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
    // Store first: when that throws, the caller still has the text.
    for (const id of this.store.saveOutbox(pending)) this.unkept.add(id);
    this.pending = pending;
    this.host.changed(done);
  }
}
