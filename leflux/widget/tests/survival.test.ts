import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Browser } from "./browser.js";
import { FakeServer } from "./server.js";

const settle = (ms = 2_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

let server: FakeServer;
let browser: Browser;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  server = new FakeServer();
  browser = new Browser(server);
});
afterEach(() => vi.useRealTimers());

const only = () => [...server.sessions.values()].at(-1)!;

describe("time", () => {
  it("ends the cache 24 hours after the last activity", async () => {
    const tab = browser.open();
    await settle();
    tab.chat.say("old");
    await settle();
    tab.close();
    await vi.advanceTimersByTimeAsync(24 * 3_600_000 + 1);
    const next = browser.open();
    expect([next.texts(), browser.data.has("leflux:sessionId")]).toEqual([[], false]);
  });

  it("ends it sooner when the site's owner says so, also while the page is open", async () => {
    server.clientTtlMs = 60_000;
    const tab = browser.open();
    await settle();
    tab.chat.say("brief");
    await settle();
    await vi.advanceTimersByTimeAsync(60_001);
    expect(tab.chat.checkStorage()).toBe(true);
    expect([tab.texts(), browser.data.has("leflux:history")]).toEqual([[], false]);
  });

  it("set back by a year forgets nothing and changes no order", async () => {
    const tab = browser.open();
    await settle();
    tab.chat.say("now");
    await settle();
    tab.close();
    browser.clockOffset = -365 * 86_400_000;
    const next = browser.open();
    await settle();
    next.chat.say("a year ago");
    await settle();
    expect(next.texts()).toEqual(["now", "echo: now", "a year ago", "echo: a year ago"]);
  });
});

describe("a storage", () => {
  it("that is cleared in this very tab is noticed before the next message", async () => {
    const tab = browser.open();
    await settle();
    tab.chat.say("secret");
    await settle();
    const old = tab.chat.conversation.sessionId;
    browser.clear(tab);
    tab.chat.say("fresh");
    await settle();
    expect(tab.texts()).toEqual(["fresh", "echo: fresh"]);
    expect([tab.chat.conversation.sessionId === old, server.inits.at(-1)!["continues"]]).toEqual([false, undefined]);
  });

  it("that is cleared is not filled again by a late reply", async () => {
    const tab = browser.open();
    await settle();
    tab.chat.say("secret");
    await settle(12);
    browser.clear(tab);
    await settle();
    expect([tab.texts(), browser.data.has("leflux:history")]).toEqual([[], false]);
  });

  it("that throws still lets the chat work, and says so", async () => {
    browser = new Browser(server, { blocked: true });
    const tab = browser.open();
    await settle();
    tab.chat.say("anyway");
    await settle();
    expect([tab.texts(), tab.problems]).toEqual([["anyway", "echo: anyway"], ["storage-blocked"]]);
  });

  it("that holds nonsense or another version counts as empty", async () => {
    for (const key of ["session", "history", "outbox", "widget"]) browser.data.set(`leflux:${key}`, key === "history" ? '{"v":99}' : "{]");
    browser.data.set("leflux:sessionId", "not an id");
    const tab = browser.open();
    await settle();
    tab.chat.say("works");
    await settle();
    expect(tab.texts()).toEqual(["works", "echo: works"]);
  });

  it("that only has the documented fields is read, and asked about", async () => {
    const first = browser.open();
    await settle();
    first.chat.say("hello");
    await settle();
    first.close();
    const now = Date.now();
    browser.data.set("leflux:session", JSON.stringify({ v: 1, createdAt: now, lastActivity: now, seq: 2 }));
    const next = browser.open();
    await settle();
    expect([next.texts(), server.inits.length]).toEqual([["hello", "echo: hello"], 1]);
  });
});

describe("the visitor", () => {
  it("is remembered by the answer to a question about them", async () => {
    const tab = browser.open();
    await settle();
    const question = { ...server.append(only(), "assistant", "Your email?"), kind: "question", data: { ask: "email" } };
    tab.socket.hear("message", question);
    await settle(10);
    tab.chat.say(" ann@example.org ");
    expect(tab.chat.visitor.data).toEqual({ email: "ann@example.org" });
    await vi.advanceTimersByTimeAsync(30 * 86_400_000 + 1);
    expect(tab.chat.visitor.data).toEqual({});
  });

  it("is not remembered where the site forbids it, nor what was kept before the site did", async () => {
    browser.open().chat.setVisitorData({ name: "Ann" });
    expect(browser.data.has("leflux:userData")).toBe(true);
    const tab = browser.open(true, { keepsUserData: false });
    expect([tab.chat.visitor.data, browser.data.has("leflux:userData")]).toEqual([{}, false]);
    tab.chat.setVisitorData({ name: "Ann" });
    expect([tab.chat.visitor.data, browser.data.has("leflux:userData")]).toEqual([{}, false]);
  });
});
