// Puts the widget together and on the page. Everything that belongs to the browser is handed over here.

import type { LeFluxEvent } from "../leflux.js";
import { announce, Announcer, makeApi, publicState } from "./api.js";
import { BeatBaton, LockBaton } from "./baton.js";
import { Chat } from "./chat.js";
import { connectTo } from "./connection.js";
import type { Env } from "./env.js";
import { Executor } from "./executor.js";
import { Http } from "./http.js";
import { uuid, visitorId } from "./identity.js";
import { Inspector } from "./inspector.js";
import { follow } from "./lifecycle.js";
import { memoryArea, type Trouble } from "./records.js";
import { BrowserStore } from "./storage.js";
import { type Channel, storageChannel, Tabs } from "./tabs.js";
import { Timers } from "./timers.js";
import type { SiteConfig } from "./types.js";
import { createView } from "./view/index.js";
import { Widget } from "./widget.js";
import { EVENTS } from "./wire.js";

/** The page is told that the chat is ready at the latest after this time, also when the server does not answer. */
const READY_MS = 2_000;
/** A frame comes within this time or not at all. */
const UNSEEN_MS = 100;
/** A tab that sleeps may hold up the others this long. */
const ALONE_MS = 3_000;
/** What one process has put into the storage, another one sees a little later. */
const SEEN_MS = 300;

interface Loader {
  host: string;
  options: Record<string, string>;
}

type Page = Window & { __leflux?: Loader; LeFlux?: unknown };

function makeEnv({ host, options }: Loader, trouble: (kind: Trouble | null) => void): Env {
  const preview = "preview" in options;
  const store = new BrowserStore(() => (preview ? memoryArea() : window.localStorage), trouble);
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
    now,
    http: new Http(host, (...call) => fetch(...call)),
    connect: connectTo(host),
    baton: (holder) =>
      navigator.locks ? new LockBaton(navigator.locks, holder) : new BeatBaton(tabs, now, holder),
    alone: (task) => (navigator.locks ? alone(navigator.locks, task) : task()),
    url: () => location.href,
    visible: () => document.visibilityState === "visible",
    online: () => navigator.onLine,
    visitorId: () => ("no-visitor-id" in options ? null : visitorId(document, uuid)),
    uuid,
    preview,
    remembers: !("no-user-memory" in options),
  };
}

function alone<T>(locks: LockManager, task: () => Promise<T>): Promise<T> {
  return new Promise((resolve) => {
    const run = async (): Promise<void> => {
      resolve(await task());
      await new Promise((seen) => setTimeout(seen, SEEN_MS));
    };
    locks.request("leflux:init", { signal: AbortSignal.timeout(ALONE_MS) }, run).catch(run);
  });
}

function start(page: Page, loader: Loader): void {
  const { options } = loader;
  const announcer = new Announcer(page, "debug" in options);
  const timers = new Timers();
  let widget: Widget | null = null;
  let trouble: Trouble | null = null;
  const env = makeEnv(loader, (kind) => {
    trouble = kind;
    if (widget !== null) widget.storageTrouble = kind;
    widget?.redraw();
  });
  const chat = new Chat(env);
  chat.load();
  const shown = (widget = new Widget(document, createView, chat, env.store, env.tabs, options["locale"] ?? "en", (name) =>
    announcer.tell(name as LeFluxEvent),
  ));
  shown.storageTrouble = trouble;
  shown.paint();

  const inspector = new Inspector(document, chat, timers);
  const executor = new Executor(document, chat, inspector, (name, detail) => announcer.tell(name, detail));
  let state = "";
  let isReady = false;
  const ready = (): void => {
    if (isReady) return;
    isReady = true;
    announcer.tell("ready");
  };
  chat.on((event) => {
    if (event.name === "config") shown.configure(event.config);
    else if (event.name === "widget") shown.follow();
    else announce(event, announcer);
    if (event.name === "restored") ready();
    if (event.name === "joined" || event.name === "reindex") inspector.again();
    // Whether the page has by now what was missing is for the server to see.
    if (event.name === "proceed") void inspector.tell(EVENTS.proceed);
    if (event.name === "plan") void executor.start(event.plan);
    if (event.name === "task-end" || event.name === "taken-over" || event.name === "cleared") executor.stop();
    if (chat.hasWaiting) inspector.hurry();
    if (event.name !== "change") return;
    shown.redraw();
    const next = JSON.stringify(publicState(chat, shown));
    if (next !== state) announcer.tell("state-change", JSON.parse((state = next)));
  });
  let stopFollowing = (): void => timers.clear();
  page.LeFlux = makeApi({
    chat,
    widget: shown,
    announcer,
    isReady: () => isReady,
    destroy: () => {
      executor.stop();
      inspector.stop();
      stopFollowing();
      shown.saveDraft();
      chat.destroy();
      shown.destroy();
      announcer.tell("destroy");
      delete page.LeFlux;
      delete page.__leflux;
    },
  });
  if (env.preview) {
    // The owner's dashboard shows how the chat will look; a preview asks no server.
    page.addEventListener("leflux:preview", (event) => shown.configure((event as CustomEvent<SiteConfig>).detail));
    ready();
  }
  timers.set("ready", READY_MS, ready);
  afterPaint(timers, () => {
    if (page.LeFlux === undefined) return;
    stopFollowing = follow(page, chat, timers, () => shown.saveDraft());
    chat.wake();
  });
}

/** What the visitor waits for is on the screen first. A page that nobody sees is never painted. */
function afterPaint(timers: Timers, work: () => void): void {
  const soon = (): void => timers.set("begin", 0, work);
  if (document.visibilityState === "visible") requestAnimationFrame(soon);
  timers.set("begin", UNSEEN_MS, work);
}

const page = window as Page;
if (page.__leflux !== undefined && page.LeFlux === undefined) start(page, page.__leflux);
