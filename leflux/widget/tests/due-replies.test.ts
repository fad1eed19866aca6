// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { followPage } from "../src/page-lifecycle.js";
import { Timers } from "../src/timers.js";
import { Browser, type Tab } from "./browser.js";
import { FakeServer } from "./server.js";

const settle = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

let server: FakeServer;
let tab: Tab;
let stop: () => void;

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  server = new FakeServer();
  server.answers = false;
  tab = new Browser(server).open();
  stop = followPage(window, tab.chat, new Timers(), () => undefined);
  await settle(2_000);
});

afterEach(() => {
  stop();
  tab.close();
  vi.useRealTimers();
});

it.each([0, 3_000, 12_000, 100_000])("a reply whose event is lost is there within 15 s of its message, written %i ms after the load", async (ms) => {
  await settle(ms);
  tab.chat.say("hello");
  await settle(1_000);
  server.append([...server.sessions.values()][0]!, "assistant", "answer");
  await settle(14_000);
  expect(tab.texts()).toEqual(["hello", "answer"]);
});

it("a tab that waits for nothing asks seldom", async () => {
  await settle(20_000);
  const { joins } = server;
  await settle(100_000);
  expect(server.joins - joins).toBeLessThan(2);
});

it("a message that does not reach the server is told within 5 s, and no longer once it has", async () => {
  vi.spyOn(tab.socket, "ask").mockImplementation(() => new Promise((resolve) => setTimeout(() => resolve(null as never), 5_000)));
  tab.chat.say("hello");
  await settle(3_000);
  expect(tab.chat.notice).toBeNull();
  await settle(1_900);
  expect(tab.chat.notice).toBe("reconnecting");
  vi.restoreAllMocks();
  await settle(20_000);
  expect([tab.chat.notice, tab.texts()]).toEqual([null, ["hello"]]);
});

it("the browser's offline event closes a socket that still looks open", async () => {
  expect(tab.chat.sync.isJoined).toBe(true);
  server.isDown = true;
  window.dispatchEvent(new Event("offline"));
  await settle(1_000);
  expect([tab.chat.sync.isJoined, tab.chat.notice]).toEqual([false, "reconnecting"]);
});

it("leaving the page closes the socket and gives up the leadership; coming back from the cache takes both up", async () => {
  window.dispatchEvent(new Event("pagehide"));
  expect([tab.socket.connected, tab.chat.isLeader]).toEqual([false, false]);
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await settle(2_000);
  expect([tab.socket.connected, tab.chat.isLeader]).toEqual([true, true]);
});
