// What becomes of the page: seen, hidden, frozen, left, brought back, cut off.

import type { Chat } from "./chat.js";
import type { Timers } from "./timers.js";
import { EVENTS } from "./wire.js";

/** How often a tab looks whether somebody has cleared the storage under it. */
const LOOK_MS = 2_000;
/** How often it asks for what may have been lost: while a reply is due, and otherwise. */
const DUE_MS = 10_000;
const IDLE_MS = 120_000;

/** `pausing`: what is not kept yet is to be kept now. Returns the way to stop. */
export function follow(page: Window, chat: Chat, timers: Timers, pausing: () => void): () => void {
  const { document } = page;
  const isVisible = (): boolean => document.visibilityState === "visible";
  const left = (): void => {
    pausing();
    chat.leave();
  };
  const seen = (): void => {
    if (isVisible()) chat.wake();
    else pausing();
    chat.attend();
    void chat.sync.ask(EVENTS.visibility, { visible: isVisible() });
  };
  const stops = [
    listen(document, "visibilitychange", seen),
    listen(document, "freeze", left),
    listen(document, "resume", () => chat.wake()),
    listen(page, "pagehide", left),
    listen(page, "pageshow", (event) => (event as PageTransitionEvent).persisted && chat.wake()),
    listen(page, "online", () => chat.wake()),
    listen(page, "offline", () => chat.changed()),
    listen(page, "focus", () => chat.checkStorage()),
    listen(page, "storage", (event) => {
      const { key } = event as StorageEvent;
      if (key === null || key.startsWith("leflux:")) chat.storageChanged(key);
    }),
  ];
  const look = (): void => {
    timers.set("look", LOOK_MS, look);
    if (!isVisible()) return;
    pausing();
    chat.checkStorage();
  };
  const ask = (): void => {
    timers.set("ask", chat.isReplyDue ? DUE_MS : IDLE_MS, ask);
    if (isVisible()) chat.sync.check();
  };
  look();
  timers.set("ask", DUE_MS, ask);
  return () => {
    for (const stop of stops) stop();
    timers.clear();
  };
}

function listen(target: EventTarget, name: string, handler: (event: Event) => void): () => void {
  target.addEventListener(name, handler);
  return () => target.removeEventListener(name, handler);
}
