// Tabs of one site share the browser's storage, which is the truth between them. A hint only says what to read again;
// where there is no BroadcastChannel, hints travel through the storage itself.

import type { Area } from "./records.js";
import type { Stream } from "./wire.js";

/** The conversation is no more since `at`, nor are the messages that waited, such as `done`. */
export type Cleared = { type: "cleared"; at: number; done: readonly string[] };

export type Hint =
  | { type: "history" | "widget" | "bye" }
  | Cleared
  /** What waits has changed; `done` no longer does. */
  | { type: "outbox"; done: readonly string[] }
  /** The reply that the owner receives, as far as it is; and whether one is awaited. */
  | { type: "stream"; sessionId: string | null; stream: Stream | null; typing: boolean }
  /** The stream has become this message, which the history will have. */
  | { type: "done"; streamId: string; id: string; seq: number }
  /** This tab owns the conversation since `at`. */
  | { type: "owner"; at: number };

/** The part of `BroadcastChannel` that is used. */
export interface Channel {
  postMessage(message: unknown): void;
  close(): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

const HINT_KEY = "leflux:hint";

/** A channel made of storage events, which reach every other tab. */
export function storageChannel(area: Area, page: Pick<Window, "addEventListener" | "removeEventListener">): Channel {
  let count = 0;
  const channel: Channel = {
    onmessage: null,
    // The same value twice is no event, hence the counter.
    postMessage: (message) => area.setItem(HINT_KEY, JSON.stringify({ count: ++count, message })),
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

  /** `tab` is new for each page load, so that a duplicated tab is another one. */
  constructor(
    readonly tab: string,
    private readonly connect: () => Channel,
  ) {}

  /** Hear the others (again). */
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

  /** False: this tab cannot hear the others; the server's fencing keeps them apart. */
  get canHear(): boolean {
    return this.channel !== null;
  }

  hear(listener: (hint: Hint, from: string) => void): void {
    this.listeners.push(listener);
  }

  tell(hint: Hint): void {
    try {
      this.channel?.postMessage({ from: this.tab, hint });
    } catch {
      // A full storage, or a channel that the browser has closed: a hint may always be lost.
    }
  }

  /** A page in the back/forward cache that is sent a hint is thrown out of it, so a page that is left hears nothing. */
  close(): void {
    this.channel?.close();
    this.channel = null;
  }
}
