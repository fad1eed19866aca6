// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Chat } from "../src/chat.js";
import { followPage } from "../src/page-lifecycle.js";
import { Timers } from "../src/timers.js";

let calls: string[];
let isReplyDue: boolean;
let stop: () => void;

const note = (name: string) => (): void => void calls.push(name);

function show(isVisible: boolean): void {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(isVisible ? "visible" : "hidden");
  document.dispatchEvent(new Event("visibilitychange"));
}

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  isReplyDue = false;
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("visible");
  const chat = {
    wake: note("wake"),
    leave: note("leave"),
    changed: note("changed"),
    updateCandidacy: note("candidacy"),
    checkStorage: note("check storage"),
    storageChanged: (key: string | null) => calls.push(`changed ${key}`),
    on: () => () => undefined,
    get isDue() {
      return isReplyDue;
    },
    sync: { ask: (_: string, { visible }: { visible: boolean }) => calls.push(`visible ${visible}`), check: note("ask"), offline: note("offline") },
  } as unknown as Chat;
  stop = followPage(window, chat, new Timers(), note("pause"));
  calls = [];
});

afterEach(() => {
  stop();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it("a hidden page stores its state and says that it is hidden; a visible one wakes", () => {
  show(false);
  expect(calls).toEqual(["pause", "candidacy", "visible false"]);
  calls = [];
  show(true);
  expect(calls).toEqual(["wake", "candidacy", "visible true"]);
});

it.each([
  [document, new Event("freeze"), ["pause", "leave"]],
  [window, new Event("pagehide"), ["pause", "leave"]],
  [document, new Event("resume"), ["wake"]],
  [window, Object.assign(new Event("pageshow"), { persisted: true }), ["wake"]],
  [window, Object.assign(new Event("pageshow"), { persisted: false }), []],
  [window, new Event("online"), ["wake"]],
  [window, new Event("offline"), ["offline"]],
  [window, new Event("focus"), ["check storage"]],
  [window, Object.assign(new Event("storage"), { key: null }), ["changed null"]],
  [window, Object.assign(new Event("storage"), { key: "leflux:outbox" }), ["changed leflux:outbox"]],
  [window, Object.assign(new Event("storage"), { key: "the site's own" }), []],
] as [EventTarget, Event, string[]][])("on %s, %s leads to %j", (target, event, expected) => {
  target.dispatchEvent(event);
  expect(calls).toEqual(expected);
});

it("a visible page checks its storage every two seconds, and the server more often while a reply is due", async () => {
  await vi.advanceTimersByTimeAsync(2_000);
  expect(calls).toEqual(["pause", "check storage"]);
  await vi.advanceTimersByTimeAsync(118_000);
  const idle = calls.filter((call) => call === "ask").length;
  isReplyDue = true;
  await vi.advanceTimersByTimeAsync(240_000);
  const due = calls.filter((call) => call === "ask").length - idle;
  expect([idle, due > 10]).toEqual([1, true]);
});

it("a hidden page asks nothing, and a stopped one hears nothing", async () => {
  show(false);
  calls = [];
  await vi.advanceTimersByTimeAsync(300_000);
  expect(calls).toEqual([]);
  stop();
  window.dispatchEvent(new Event("online"));
  expect(calls).toEqual([]);
});
