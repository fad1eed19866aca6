// Tabs of one site share the browser's storage, which is the truth between them. A message over the channel only
// says what to read again; where there is no BroadcastChannel, the storage's own events say it.

export type Hint =
  | { type: "history" }
  | { type: "outbox" }
  | { type: "widget" }
  | { type: "session" }
  | { type: "stream"; stream: { streamId: string; text: string } | null }
  | { type: "cleared" }
  | { type: "deleted"; sessionId: string }
  | { type: "owner" }
  | { type: "bye" };

interface Channel {
  postMessage(message: unknown): void;
  close(): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

export class Tabs {
  private readonly channel: Channel | null;

  /** `tab` is new for each page load, so that a duplicated tab is another one. */
  constructor(
    readonly tab: string,
    open: () => Channel,
    private readonly heard: (hint: Hint) => void,
  ) {
    let channel: Channel | null = null;
    try {
      channel = open();
      channel.onmessage = (event) => {
        const data = event.data as { from?: unknown; hint?: Hint } | null;
        if (data?.hint !== undefined && data.from !== this.tab) this.heard(data.hint);
      };
    } catch {
      channel = null;
    }
    this.channel = channel;
  }

  tell(hint: Hint): void {
    this.channel?.postMessage({ from: this.tab, hint });
  }

  /** For browsers without a channel: what a `storage` event of `key` means. */
  storageChanged(key: string | null): void {
    if (key === null) this.heard({ type: "cleared" });
    if (this.channel !== null || key === null) return;
    const hints: Record<string, Hint> = {
      "leflux:history": { type: "history" },
      "leflux:outbox": { type: "outbox" },
      "leflux:widget": { type: "widget" },
      "leflux:sessionId": { type: "session" },
    };
    const hint = hints[key];
    if (hint !== undefined) this.heard(hint);
  }

  close(): void {
    this.channel?.close();
  }
}
