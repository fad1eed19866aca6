// Messages between the tabs of a site. The tabs share state through the browser's storage; a hint only names what has
// changed. Without BroadcastChannel, hints are sent as storage events.

import type { Stream, TaskJournal } from "./protocol.js";
import type { StorageArea } from "./records.js";
import { stringify } from "./text.js";
import type { Confirmation, TaskProgress } from "./types.js";

/** The conversation was cleared at `at`, with the waiting messages `done` and any others. */
export type Cleared = { type: "cleared"; at: number; done: readonly string[]; everything?: boolean };

export type Hint =
  | { type: "history" | "widget" | "bye" | "stop-reply" }
  | Cleared
  /** The outbox has changed; `done` are the ids that left it. */
  | { type: "outbox"; done: readonly string[] }
  /** The reply that the leader is receiving, and whether one is awaited. */
  | { type: "stream"; sessionId: string | null; stream: Stream | null; typing: boolean }
  /** A new tab asks for the progress of the task; the leader tells it. */
  | { type: "task?" }
  | { type: "task"; sessionId: string | null; task: TaskProgress | null; confirmation: Confirmation | null }
  /** The visitor has stopped the task. */
  | { type: "stop"; taskId: string }
  /** The tab has given up the steps of the task, and has done this of them. */
  | { type: "journal"; sessionId: string | null; journal: TaskJournal }
  /** The stream has ended as this message, which the history will contain. */
  | { type: "done"; streamId: string; id: string; seq: number }
  /** This tab has been the leader since `at`. Tabs with an earlier release send the same type. */
  | { type: "owner"; at: number };

/** The part of `BroadcastChannel` that the widget uses. */
export interface Channel {
  postMessage(message: unknown): void;
  close(): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

const HINT_KEY = "leflux:hint";

/** A channel over storage events, which reach every other tab. */
export function storageChannel(area: StorageArea, page: Pick<Window, "addEventListener" | "removeEventListener">): Channel {
  let count = 0;
  const channel: Channel = {
    onmessage: null,
    // Writing the same value twice fires no event, hence the counter.
    postMessage: (message) => area.setItem(HINT_KEY, stringify({ count: ++count, message })),
    close: () => page.removeEventListener("storage", heard),
  };
  const heard = ({ key, newValue }: StorageEvent): void => {
    if (key === HINT_KEY && newValue !== null) channel.onmessage?.({ data: JSON.parse(newValue).message } as MessageEvent);
  };
  page.addEventListener("storage", heard);
  return channel;
}

export class Tabs {
  private channel: Channel | null = null;
  private readonly listeners: ((hint: Hint, from: string) => void)[] = [];

  /** `tab` is a new id for each page load, so a duplicated tab has its own. */
  constructor(
    readonly tab: string,
    private readonly connect: () => Channel,
  ) {}

  /** Opens the channel if it is closed. */
  open(): void {
    if (this.channel !== null) return;
    try {
      this.channel = this.connect();
      this.channel.onmessage = ({ data }) => {
        const { from, hint } = (data ?? {}) as { from?: unknown; hint?: Hint };
        if (typeof from !== "string" || from === this.tab || typeof hint?.type !== "string") return;
        for (const listener of this.listeners) listener(hint, from);
      };
    } catch {
      this.channel = null;
    }
  }

  /** False when there is no channel; then only the server's fencing separates the tabs. */
  get canHear(): boolean {
    return this.channel !== null;
  }

  onHint(listener: (hint: Hint, from: string) => void): void {
    this.listeners.push(listener);
  }

  send(hint: Hint): void {
    try {
      this.channel?.postMessage({ from: this.tab, hint });
    } catch {
      // The storage is full or the channel is closed. Hints may be lost.
    }
  }

  /** A message would evict a page from the back/forward cache, so a page closes its channel when it is left. */
  close(): void {
    this.channel?.close();
    this.channel = null;
  }
}
