// Wires the widget's parts to the browser and starts it.

import type { LeFluxApi, LeFluxEvent } from "../leflux.js";
import { Acting } from "./acting.js";
import { Announcer, announce, makeApi, publicState } from "./api.js";
import { BrowserStore } from "./browser-store.js";
import { Chat } from "./chat.js";
import { connectTo } from "./connection.js";
import type { Env, LeaderMemory } from "./env.js";
import { shieldEvents } from "./event-shield.js";
import { Http } from "./http.js";
import { forgetVisitor, uuid, visitorId } from "./identity.js";
import { HeartbeatElection, LockElection } from "./leader-election.js";
import { dispatch, listen } from "./listen.js";
import type { More } from "./more-part.js";
import type { PagePart } from "./page-description.js";
import { followPage } from "./page-lifecycle.js";
import { type Loader, partLoader } from "./part-loader.js";
import { memoryArea, type StorageProblem } from "./records.js";
import type { Client } from "./socket-client.js";
import { type Channel, storageChannel, Tabs } from "./tabs.js";
import { type Arrival, TaskJournal } from "./task-journal.js";
import { stringify } from "./text.js";
import { Timers } from "./timers.js";
import type { CreateView, SiteConfig } from "./types.js";
import { createView } from "./view/index.js";
import { Widget } from "./widget.js";

/** `leflux:ready` is dispatched after this time even if the server has not answered. */
const READY_MS = 2_000;
const LED_KEY = "leflux:leader";
/** A visible page draws a frame within this time. */
const UNSEEN_MS = 100;
/** A suspended tab delays the others by at most this time. */
const ALONE_MS = 3_000;
/** A write to the storage reaches the other tabs' processes with this delay. */
const SEEN_MS = 300;

/** Where WebSockets do not work, they are tried again after this time. */
const POLLING_MS = 3_600_000;

/** Of the parts that are loaded later, so that browsers may keep them. */
declare const SOCKET_VERSION: string;
declare const MORE_VERSION: string;
declare const PAGE_VERSION: string;

type Page = Window & { __leflux?: Loader; LeFlux?: unknown };

function makeEnv(loader: Loader, problem: (kind: StorageProblem | null) => void): Env {
  const { host, options } = loader;
  const preview = "preview" in options;
  const store = new BrowserStore(() => (preview ? memoryArea() : window.localStorage), problem);
  const channel = (): Channel =>
    typeof BroadcastChannel === "function" ? new BroadcastChannel("leflux") : storageChannel(window.localStorage, window);
  const tabs = new Tabs(uuid(), () => {
    if (preview) throw new Error("a preview has no other tabs");
    return channel();
  });
  const now = (): number => Date.now();
  return {
    store,
    tabs,
    journal: new TaskJournal(() => window.sessionStorage, tabs.tab, arrival),
    now,
    http: new Http(host, (...call) => fetch(...call)),
    connect: connectTo(
      host,
      {
        isPollingOnly: () => Math.abs(store.pollingUntil() - now() - POLLING_MS / 2) < POLLING_MS / 2,
        keepPollingOnly: () => store.savePollingUntil(now() + POLLING_MS),
      },
      partLoader<Client>("socket", SOCKET_VERSION, loader),
    ),
    elect: (candidate) =>
      navigator.locks ? new LockElection(navigator.locks, candidate) : new HeartbeatElection(tabs, now, candidate),
    leaderMemory: leaderMemory(() => sessionStorage),
    withLock: (task) => (navigator.locks ? withLock(navigator.locks, task) : task()),
    url: () => location.href,
    visible: () => document.visibilityState === "visible",
    online: () => navigator.onLine,
    visitorId: () => ("no-visitor-id" in options ? null : visitorId(document, uuid)),
    forgetVisitor: () => forgetVisitor(document),
    uuid,
    preview,
    keepsUserData: !("no-user-memory" in options),
    readsPage: !("no-page-context" in options),
    loadPage: partLoader<PagePart>("page", PAGE_VERSION, loader),
  };
}

/** In the tab's own storage, which may be forbidden or full. */
function leaderMemory(area: () => Storage): LeaderMemory {
  const attempt = <T>(action: (storage: Storage) => T): T | null => {
    try {
      return action(area());
    } catch {
      return null;
    }
  };
  return {
    recall: () => {
      const kept = attempt((storage) => storage.getItem(LED_KEY));
      attempt((storage) => storage.removeItem(LED_KEY));
      return kept !== null;
    },
    keep: () => void attempt((storage) => storage.setItem(LED_KEY, "1")),
  };
}

function arrival(): Arrival {
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return { url: location.href, type: entry?.type ?? "" };
}

function withLock<T>(locks: LockManager, task: () => Promise<T>): Promise<T> {
  return new Promise((resolve) => {
    const run = async (): Promise<void> => {
      resolve(await task());
      await new Promise((seen) => setTimeout(seen, SEEN_MS));
    };
    const alone = new AbortController();
    setTimeout(() => alone.abort(), ALONE_MS);
    // The request itself may throw, as on a page that may not use locks.
    const request = async (): Promise<void> => locks.request("leflux:init", { signal: alone.signal }, run);
    request().catch(run);
  });
}

/** Makes a part of the widget. One that fails is named in the console, and the others go on without it. */
function part<T>(name: string, make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    console.warn(`LeFlux: the ${name} could not start.`, error);
    return null;
  }
}

function start(page: Page, loader: Loader): void {
  const { options } = loader;
  const announcer = new Announcer(page, "debug" in options);
  const timers = new Timers();
  let widget: Widget | null = null;
  let problem: StorageProblem | null = null;
  const env = makeEnv(loader, (kind) => {
    problem = kind;
    if (widget !== null) widget.storageProblem = kind;
    widget?.redraw();
  });
  const chat = new Chat(env);
  chat.load();
  const loadMore = partLoader<More>("more", MORE_VERSION, loader);
  const show: CreateView = (page, actions) => createView(page, actions, loadMore);
  const shown = new Widget(document, show, chat, env.store, env.tabs, options["locale"] ?? "en", (name) =>
    announcer.dispatch(name as LeFluxEvent),
  );
  widget = shown;
  shown.storageProblem = problem;
  shown.paint();

  const acting = new Acting(chat, (name, detail) => announcer.dispatch(name, detail), loadMore);
  let state = "";
  let isReady = false;
  const ready = (): void => {
    if (isReady) return;
    isReady = true;
    announcer.dispatch("ready");
  };
  chat.on((event) => {
    if (event.name === "config") shown.configure(event.config);
    else if (event.name === "widget") shown.reload();
    else announce(event, announcer);
    if (event.name === "restored") ready();
    if (event.name === "cleared" && event.everything) shown.dropDraft();
    if (event.name === "plan") void acting.start(event.plan);
    if (event.name === "task-end" || event.name === "stopped" || event.name === "stepped-down" || event.name === "cleared") acting.stop();
    if (event.name !== "change") return;
    shown.redraw();
    const next = stringify(publicState(chat, shown));
    if (next === state) return;
    state = next;
    announcer.dispatch("state-change", JSON.parse(next));
  });
  const unshield = part("event shield", () => shieldEvents(page, "leflux-widget"));
  let stopFollowing = (): void => timers.clear();
  page.LeFlux = makeApi({
    chat,
    widget: shown,
    announcer,
    isReady: () => isReady,
    destroy: () => {
      stopProbing();
      acting.stop();
      stopFollowing();
      unshield?.();
      shown.saveDraft();
      chat.destroy();
      shown.destroy();
      announcer.dispatch("destroy");
      for (const frame of document.querySelectorAll("iframe[data-leflux]")) frame.remove();
      delete page.LeFlux;
      delete page.__leflux;
    },
  });
  if (env.preview) {
    // The dashboard's preview: it sets the appearance by events and calls no server.
    listen(page, "leflux:preview", (event) => shown.configure((event as CustomEvent<SiteConfig>).detail));
    ready();
  }
  const stopProbing = whenErased(page, () => {
    (page.LeFlux as LeFluxApi).destroy();
    page.__leflux = loader;
    begin(page, loader);
  });
  timers.set("ready", READY_MS, ready);
  afterPaint(timers, () => {
    if (page.LeFlux === undefined) return;
    stopFollowing = followPage(page, chat, timers, () => shown.saveDraft());
    chat.wake();
  });
}

/** Runs `work` when `document.open` has removed all listeners, those inside of the widget too. Returns a function that stops. */
function whenErased(page: Window, work: () => void): () => void {
  let isHeard = false;
  const stop = listen(page, "leflux:probe", () => {
    isHeard = true;
  });
  const observer = new MutationObserver(() => {
    isHeard = false;
    dispatch(page, new Event("leflux:probe"));
    if (!isHeard) work();
  });
  observer.observe(page.document, { childList: true });
  return () => {
    stop();
    observer.disconnect();
  };
}

/** Runs `work` after the first paint. A hidden page is never painted, hence the timeout. */
function afterPaint(timers: Timers, work: () => void): void {
  const soon = (): void => timers.set("begin", 0, work);
  if (document.visibilityState === "visible") requestAnimationFrame(soon);
  timers.set("begin", UNSEEN_MS, work);
}

/** Runs `work` once the page has a body: a streamed page may load scripts before it. */
function withBody(work: () => void): void {
  if (document.body !== null) {
    work();
    return;
  }
  const watcher = new MutationObserver(() => {
    if (document.body === null) return;
    watcher.disconnect();
    work();
  });
  watcher.observe(document.documentElement, { childList: true });
}

function begin(page: Page, loader: Loader): void {
  withBody(() => part("chat", () => {
    // A sandbox without an origin, or a file: no server would answer.
    if (page.origin === "null" && !("preview" in loader.options)) throw new Error("the page has no origin");
    start(page, loader);
  }));
}

const page = window as Page;
const loader = page.__leflux;
// An element of the page may have the id `LeFlux`.
const isLoaded = Object.getOwnPropertyDescriptor(page, "LeFlux")?.value !== undefined;
if (loader !== undefined && !isLoaded) begin(page, loader);
