// One browser for tests: a storage, a channel and locks that its tabs share, and the tabs.

import { BeatBaton, LockBaton } from "../src/baton.js";
import { Chat } from "../src/chat.js";
import type { ChatEvent, Env } from "../src/env.js";
import { Http } from "../src/http.js";
import type { Area, Trouble } from "../src/records.js";
import { BrowserStore } from "../src/storage.js";
import { type Channel, storageChannel, Tabs } from "../src/tabs.js";
import { connectTo, type FakeServer, type FakeSocket } from "./server.js";

export class FakeLocks {
  private holder: { reject: (error: Error) => void } | null = null;
  private readonly queue: (() => void)[] = [];

  readonly request = ((_name: string, options: LockOptions, callback: () => Promise<void>): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      const grant = (): void => {
        const me = { reject };
        this.holder = me;
        void callback().then(() => {
          resolve();
          if (this.holder === me) this.next();
        });
      };
      const abort = (): void => {
        const index = this.queue.indexOf(grant);
        if (index >= 0) this.queue.splice(index, 1);
        reject(new DOMException("aborted", "AbortError"));
      };
      options.signal?.addEventListener("abort", abort);
      setTimeout(() => {
        if (options.signal?.aborted) return;
        if (options.steal && this.holder !== null) this.holder.reject(new DOMException("stolen", "AbortError"));
        if (options.steal || this.holder === null) grant();
        else this.queue.push(grant);
      }, 1);
    })) as LockManager["request"];

  private next(): void {
    this.holder = null;
    this.queue.shift()?.();
  }
}

export interface BrowserOptions {
  locks?: boolean;
  channel?: boolean;
  /** The storage throws on every access. */
  blocked?: boolean;
}

export class Browser {
  readonly data = new Map<string, string>();
  readonly tabs: Tab[] = [];
  readonly channels = new Set<Channel>();
  readonly locks = new FakeLocks();
  /** Characters that fit into the storage. */
  quota = Infinity;
  clockOffset = 0;

  constructor(
    readonly server: FakeServer,
    readonly options: BrowserOptions = {},
  ) {}

  area(tab: () => Tab): Area {
    const guard = (): void => {
      if (this.options.blocked) throw new DOMException("denied", "SecurityError");
    };
    const { data } = this;
    return {
      get length() {
        guard();
        return data.size;
      },
      key: (index) => (guard(), [...data.keys()][index] ?? null),
      getItem: (key) => (guard(), this.data.get(key) ?? null),
      setItem: (key, value) => {
        guard();
        let size = value.length;
        for (const [other, text] of this.data) if (other !== key) size += text.length;
        if (size > this.quota) throw new DOMException("full", "QuotaExceededError");
        if (this.data.get(key) === value) return;
        this.data.set(key, value);
        this.stored(tab(), key);
      },
      removeItem: (key) => {
        guard();
        if (this.data.delete(key)) this.stored(tab(), key);
      },
    };
  }

  private stored(writer: Tab | null, key: string | null): void {
    for (const tab of this.tabs) {
      if (tab === writer) continue;
      const newValue = key === null ? null : (this.data.get(key) ?? null);
      this.server.wait(() => tab.isAlive && tab.hearStorage({ key, newValue } as StorageEvent), 1, 3);
    }
  }

  /** `localStorage.clear()` in `tab`, or in a tab of the site that has no widget. */
  clear(tab: Tab | null): void {
    this.data.clear();
    this.stored(tab, null);
  }

  channel(tab: Tab): Channel {
    if (this.options.channel === false) return storageChannel(this.area(() => tab), tab.page);
    const channel: Channel = {
      onmessage: null,
      close: () => void this.channels.delete(channel),
      postMessage: (message) => {
        const data: unknown = structuredClone(message);
        for (const other of this.channels) {
          if (other === channel) continue;
          this.server.wait(() => this.channels.has(other) && other.onmessage?.({ data } as MessageEvent), 1, 3);
        }
      },
    };
    this.channels.add(channel);
    return channel;
  }

  open(isVisible = true, more: Partial<Env> = {}): Tab {
    const tab = new Tab(this, isVisible, more);
    this.tabs.push(tab);
    tab.chat.load();
    tab.chat.wake();
    return tab;
  }
}

export class Tab {
  readonly chat: Chat;
  readonly events: ChatEvent[] = [];
  readonly troubles: (Trouble | null)[] = [];
  socket!: FakeSocket;
  private readonly storageListeners = new Set<(event: StorageEvent) => void>();
  /** The part of `window` that storage events come from. */
  readonly page = {
    addEventListener: (_: string, listener: (event: StorageEvent) => void) => void this.storageListeners.add(listener),
    removeEventListener: (_: string, listener: (event: StorageEvent) => void) => void this.storageListeners.delete(listener),
  } as Pick<Window, "addEventListener" | "removeEventListener">;
  isAlive = true;

  constructor(
    private readonly browser: Browser,
    public isVisible: boolean,
    more: Partial<Env>,
  ) {
    const { server } = browser;
    const now = (): number => Date.now() + browser.clockOffset;
    const tabs = new Tabs(server.id(), () => browser.channel(this));
    const store = new BrowserStore(() => {
      if (browser.options.blocked) throw new DOMException("denied", "SecurityError");
      return browser.area(() => this);
    }, (kind) => this.troubles.push(kind));
    this.chat = new Chat({
      store,
      tabs,
      now,
      http: new Http("http://host", server.fetch),
      connect: connectTo(server, (socket) => (this.socket = socket)),
      baton: (holder) =>
        browser.options.locks === false ? new BeatBaton(tabs, now, holder) : new LockBaton(browser.locks, holder),
      alone: (task) => task(),
      url: () => "http://shop.test/",
      visible: () => this.isVisible && this.isAlive,
      online: () => true,
      visitorId: () => null,
      uuid: () => server.id(),
      preview: false,
      remembers: true,
      ...more,
    });
    this.chat.on((event) => this.events.push(event));
  }

  hearStorage(event: StorageEvent): void {
    for (const listener of this.storageListeners) listener(event);
    this.chat.storageChanged(event.key);
  }

  names(): string[] {
    return this.events.map(({ name }) => name);
  }

  texts(): string[] {
    return this.chat.shown.map(({ text }) => text);
  }

  show(isVisible: boolean): void {
    this.isVisible = isVisible;
    if (isVisible) this.chat.wake();
    else this.chat.attend();
  }

  /** As a reload, a navigation or closing does. */
  close(): void {
    this.chat.leave();
    this.kill();
  }

  /** The process is gone: nothing that it would have said or written happens. */
  kill(): void {
    this.isAlive = false;
    this.browser.tabs.splice(this.browser.tabs.indexOf(this), 1);
    this.chat.destroy();
  }
}
