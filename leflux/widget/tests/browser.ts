// One browser for tests: a storage, a channel and locks that its tabs share, and the tabs.

import { BrowserStore } from "../src/browser-store.js";
import { Chat } from "../src/chat.js";
import type { Env } from "../src/env.js";
import type { ChatEvent } from "../src/events.js";
import { Http } from "../src/http.js";
import { HeartbeatElection, LockElection } from "../src/leader-election.js";
import { memoryArea, type StorageArea, type StorageProblem } from "../src/records.js";
import { type Channel, storageChannel, Tabs } from "../src/tabs.js";
import { TaskJournal } from "../src/task-journal.js";
import { connectTo, type FakeSocket } from "./fake-socket.js";
import type { FakeServer } from "./server.js";

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
  /** The storage throws on each access. */
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

  area(tab: () => Tab): StorageArea {
    const guard = (): void => {
      if (this.options.blocked) throw new DOMException("denied", "SecurityError");
    };
    const { data } = this;
    return {
      get length() {
        guard();
        return data.size;
      },
      key: (index) => {
        guard();
        return [...data.keys()][index] ?? null;
      },
      getItem: (key) => {
        guard();
        return this.data.get(key) ?? null;
      },
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
  readonly problems: (StorageProblem | null)[] = [];
  socket!: FakeSocket;
  private readonly storageListeners = new Set<(event: StorageEvent) => void>();
  /** The part of `window` that dispatches storage events. */
  readonly page = {
    addEventListener: (_: string, listener: (event: StorageEvent) => void) => void this.storageListeners.add(listener),
    removeEventListener: (_: string, listener: (event: StorageEvent) => void) => void this.storageListeners.delete(listener),
  } as Pick<Window, "addEventListener" | "removeEventListener">;
  isAlive = true;
  /** What the tab's own storage tells the next page. */
  hasLed = false;
  /** `sessionStorage` */
  readonly session = memoryArea();

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
    }, (kind) => this.problems.push(kind));
    this.chat = new Chat({
      store,
      tabs,
      now,
      journal: new TaskJournal(() => this.session, tabs.tab, () => ({ url: "http://shop.test/", type: "navigate" })),
      http: new Http("http://host", server.fetch),
      connect: connectTo(server, (socket) => (this.socket = socket)),
      elect: (candidate) =>
        browser.options.locks === false ? new HeartbeatElection(tabs, now, candidate) : new LockElection(browser.locks, candidate),
      leaderMemory: {
        recall: () => false,
        keep: () => {
          this.hasLed = true;
        },
      },
      withLock: (task) => task(),
      url: () => "http://shop.test/",
      visible: () => this.isVisible && this.isAlive,
      online: () => true,
      visitorId: () => null,
      forgetVisitor: () => undefined,
      uuid: () => server.id(),
      preview: false,
      keepsUserData: true,
      readsPage: false,
      loadPage: () => Promise.reject(new Error("no page")),
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
    else this.chat.updateCandidacy();
  }

  /** Ends the page as a reload, a navigation or closing does. */
  close(): void {
    this.chat.leave();
    this.kill();
  }

  /** Kills the process: it sends and writes nothing any more. */
  kill(): void {
    this.isAlive = false;
    this.browser.tabs.splice(this.browser.tabs.indexOf(this), 1);
    this.chat.destroy();
  }
}
