// A network for the connection: an Engine.IO server behind WebSockets and polling that work, fail, hang or go mute.

import { vi } from "vitest";

export type Health = "ok" | "fails" | "hangs";

interface Client {
  deliver(packet: string): void;
}

export class FakeNetwork {
  webSocket: Health | "throws" = "ok";
  polling: Health = "ok";
  /** The WebSocket carries nothing after the handshake. */
  isMute = false;
  /** The transports in the order of their use. */
  readonly used: string[] = [];
  readonly heard: string[] = [];
  readonly sockets: FakeWebSocket[] = [];
  private waiting: string[] = [];
  private release: (() => void) | null = null;

  install(): void {
    vi.stubGlobal("fetch", (url: string, options: RequestInit) => this.fetch(url, options));
  }

  /** The server's side of Engine.IO and Socket.IO. */
  receive(packet: string, client: Client): void {
    this.heard.push(packet);
    if (packet.startsWith("40")) client.deliver('40{"sid":"s"}');
    if (packet === "2") client.deliver("3");
    const [, id, body] = /^42(\d+)(.*)$/.exec(packet) ?? [];
    if (id !== undefined) client.deliver(`43${id}[{"ok":true,"echo":${body}}]`);
  }

  /** Delivers to the client that polls. */
  readonly poller: Client = {
    deliver: (packet) => {
      this.waiting.push(packet);
      this.release?.();
    },
  };

  /** The handshake's answer; a client that polls may upgrade. */
  static open(upgrades: string[]): string {
    return `0${JSON.stringify({ sid: "e", upgrades, pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 100_000 })}`;
  }

  private async fetch(url: string, { method, body, signal }: RequestInit): Promise<Response> {
    if (!url.includes("sid=")) this.used.push("polling");
    if (this.polling === "fails") throw new TypeError("failed to fetch");
    if (this.polling === "hangs") return new Promise(() => undefined);
    if (method === "POST") {
      for (const packet of String(body).split("\x1e")) this.receive(packet, this.poller);
      return new Response("ok");
    }
    if (!url.includes("sid=")) return new Response(FakeNetwork.open(["websocket"]));
    if (this.waiting.length === 0) {
      await new Promise<void>((resolve, reject) => {
        this.release = resolve;
        signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      });
    }
    return new Response(this.waiting.splice(0).join("\x1e"));
  }
}

export class FakeWebSocket implements Client {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  private isOpen = true;

  constructor(
    private readonly net: FakeNetwork,
    private readonly url: string,
  ) {
    net.used.push("websocket");
    net.sockets.push(this);
    if (net.webSocket === "throws") throw new DOMException("blocked", "SecurityError");
    if (net.webSocket === "fails") queueMicrotask(() => this.fail());
    if (net.webSocket === "ok") queueMicrotask(() => this.accept());
  }

  private accept(): void {
    this.onopen?.();
    if (!this.url.includes("sid=")) this.deliver(FakeNetwork.open([]));
  }

  deliver(packet: string): void {
    queueMicrotask(() => this.isOpen && this.onmessage?.({ data: packet }));
  }

  send(packet: string): void {
    if (packet === "2probe") {
      this.deliver("3probe");
      this.net.poller.deliver("6");
    } else if (!this.net.isMute || packet.startsWith("40")) this.net.receive(packet, this);
  }

  private fail(): void {
    this.onerror?.();
    this.drop();
  }

  drop(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onclose?.();
  }

  close(): void {
    this.drop();
  }
}
