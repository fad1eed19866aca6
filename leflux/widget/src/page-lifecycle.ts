// Reacts to the page's lifecycle: visible, hidden, frozen, unloaded, restored, offline.

import type { Chat } from "./chat.js";
import { listen } from "./listen.js";
import { EVENTS } from "./protocol.js";
import type { Timers } from "./timers.js";

/** How often a tab checks whether the storage was cleared. */
const LOOK_MS = 2_000;
/** How often it asks for missed messages: while something is due, counted from its beginning, and otherwise. */
const DUE_MS = 9_000;
const IDLE_MS = 120_000;

/** Calls `pausing` when the page may end, to store what is not stored yet. Returns a function that stops. */
export function followPage(page: Window, chat: Chat, timers: Timers, pausing: () => void): () => void {
  const isVisible = (): boolean => document.visibilityState === "visible";
  const left = (): void => {
    pausing();
    chat.leave();
  };
  const seen = (): void => {
    if (isVisible()) chat.wake();
    else pausing();
    chat.updateCandidacy();
    void chat.sync.ask(EVENTS.visibility, { visible: isVisible() });
  };
  const stops = [
    listen(document, "visibilitychange", seen),
    listen(document, "freeze", left),
    listen(document, "resume", () => chat.wake()),
    listen(page, "pagehide", left),
    listen(page, "pageshow", (event) => (event as PageTransitionEvent).persisted && chat.wake()),
    listen(page, "online", () => chat.wake()),
    listen(page, "offline", () => chat.sync.offline()),
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
  let isDue = true;
  const ask = (): void => timers.set("ask", isDue ? DUE_MS : IDLE_MS, () => {
    if (isVisible()) chat.sync.check();
    isDue = chat.isDue;
    ask();
  });
  stops.push(chat.on(() => {
    if (isDue || !chat.isDue) return;
    isDue = true;
    ask();
  }));
  look();
  ask();
  return () => {
    for (const stop of stops) stop();
    timers.clear();
  };
}
