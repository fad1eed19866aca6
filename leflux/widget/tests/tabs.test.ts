import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Message } from "../src/types.js";
import { Browser, type BrowserOptions, type Tab } from "./browser.js";
import { FakeServer } from "./server.js";

const settle = (ms = 2_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  server = new FakeServer();
});
afterEach(() => vi.useRealTimers());

const stored = (): string[] => [...server.sessions.values()].at(-1)!.messages.map(({ text }) => text);
const leaders = (browser: Browser): Tab[] => browser.tabs.filter(({ chat }) => chat.isLeader);

/** Two tabs, the second on top. */
async function two(options: BrowserOptions = {}, bothVisible = false): Promise<[Browser, Tab, Tab]> {
  const browser = new Browser(server, options);
  const first = browser.open();
  await settle();
  if (!bothVisible) first.show(false);
  const second = browser.open();
  await settle();
  return [browser, first, second];
}

describe.each([
  ["with locks and a channel", {}],
  ["without locks", { locks: false }],
  ["without a channel", { channel: false }],
  ["with neither", { locks: false, channel: false }],
] as [string, BrowserOptions][])("two tabs %s", (_name, options) => {
  it("show the same, and one of them owns the socket", async () => {
    const [browser, first, second] = await two(options);
    second.chat.say("hello");
    await settle();
    expect([first.texts(), second.texts()]).toEqual([["hello", "echo: hello"], ["hello", "echo: hello"]]);
    expect(leaders(browser)).toEqual([second]);
    expect(server.inits).toHaveLength(1);
  });

  it("that send together: both are stored, in one order, and the older one is told", async () => {
    const [, first, second] = await two(options, true);
    first.chat.say("from the first");
    second.chat.say("from the second");
    await settle(9_000);
    expect(stored().filter((text) => !text.startsWith("echo"))).toHaveLength(2);
    expect(first.texts()).toEqual(second.texts());
    expect([...first.names(), ...second.names()]).toContain("taken-over");
    expect([first.chat.outbox.messages, second.chat.outbox.messages]).toEqual([[], []]);
  });

  it("both visible do not take the conversation from each other unasked", async () => {
    const [browser] = await two(options, true);
    const before = server.joins;
    await settle(120_000);
    expect(server.joins - before).toBeLessThanOrEqual(2);
    expect(leaders(browser)).toHaveLength(1);
  });

  it("in use, read-only for a moment after a takeover, takes it back by use", async () => {
    const [browser, first, second] = await two(options, true);
    first.chat.used();
    await settle(200);
    second.chat.used();
    await settle(200);
    expect([first.chat.readOnly, first.chat.notice, leaders(browser)]).toEqual([true, "taken-over", [second]]);
    await settle(3_000);
    expect(first.chat.readOnly).toBe(false);
    first.chat.used();
    await settle(200);
    expect(leaders(browser)).toEqual([first]);
  });

  it("take what is written while read-only, in order, and send it", async () => {
    const [, first, second] = await two(options, true);
    server.answers = false;
    first.chat.used();
    await settle(200);
    const texts: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      for (const [name, tab] of [["a", first], ["b", second]] as const) {
        expect(tab.chat.say(name + turn)).not.toBeNull();
        texts.push(name + turn);
        await settle(150);
      }
    }
    await settle(12_000);
    const said = [...server.sessions.values()].flatMap(({ messages }) => messages.map(({ text }) => text));
    expect([...said].sort()).toEqual([...texts].sort());
    for (const name of ["a", "b"]) expect(said.filter((text) => text.startsWith(name))).toEqual([0, 1, 2, 3].map((turn) => name + turn));
    expect([first, second].map((tab) => tab.chat.outbox.messages.length)).toEqual([0, 0]);
  });

  it("of which one is cleared are both cleared, and the next message starts a session", async () => {
    const [, first, second] = await two(options);
    second.chat.say("secret");
    await settle();
    const old = second.chat.conversation.sessionId;
    second.chat.clear();
    second.chat.say("fresh");
    await settle();
    expect([first.texts(), second.texts()]).toEqual([["fresh", "echo: fresh"], ["fresh", "echo: fresh"]]);
    expect(second.chat.conversation.sessionId).not.toBe(old);
  });

  it("forget every trace when the session is deleted", async () => {
    const [browser, first, second] = await two(options);
    second.chat.setVisitorData({ name: "Ann" });
    second.chat.say("secret");
    await settle();
    server.erase(second.chat.conversation.sessionId!);
    await settle();
    expect([first.texts(), second.texts()]).toEqual([[], []]);
    expect([...browser.data.keys()].filter((key) => key !== "leflux:hint")).toEqual([]);
  });

  it("move on together when the session was evicted", async () => {
    const [, first, second] = await two(options);
    second.chat.say("before");
    await settle();
    server.evict(second.chat.conversation.sessionId!);
    await settle();
    second.chat.say("after");
    await settle(5_000);
    expect(first.texts()).toEqual(["before", "echo: before", "after", "echo: after"]);
    expect(first.chat.conversation.sessionId).toBe(second.chat.conversation.sessionId);
  });
});

describe("a tab", () => {
  it.each([true, false])("whose process is killed leaves the conversation to the other visible one (locks: %s)", async (locks) => {
    const [browser, first, second] = await two({ locks }, true);
    second.chat.sync.leave = second.chat.leave = () => undefined;
    browser.tabs.splice(browser.tabs.indexOf(second), 1);
    second.isAlive = false;
    const { election } = second.chat["leadership"] as unknown as { election: { timer?: number; resign: () => void } };
    if (locks) {
      election.resign();
    } else {
      election.resign = () => undefined;
      clearInterval(election.timer);
    }
    await settle(10_000);
    expect([first.chat.isLeader, first.chat.sync.isJoined]).toEqual([true, true]);
  });

  it("that lost the conversation with a message in flight has it delivered once by the owner", async () => {
    const [, first, second] = await two({}, true);
    first.chat.used();
    await settle(200);
    server.answers = false;
    server.loseAcks = 1;
    first.chat.say("in flight");
    await settle(5);
    second.chat.used();
    await settle(12_000);
    expect([stored(), first.texts(), second.texts()]).toEqual([["in flight"], ["in flight"], ["in flight"]]);
  });

  it("in the background mirrors a stream", async () => {
    const [, first, second] = await two();
    second.socket.hear("message_chunk", { streamId: "s", chunkIndex: 0, delta: "so far" });
    await settle(50);
    expect(first.chat.shown).toMatchObject([{ text: "so far", streaming: true, key: "s" }]);
    const message: Message = server.append([...server.sessions.values()][0]!, "assistant", "so far, so good");
    second.socket.hear("message_done", { streamId: "s", message });
    await settle(50);
    expect(first.chat.shown).toMatchObject([{ text: "so far, so good", key: "s", seq: 1 }]);
  });

  it("that is closed while nobody looks leaves its unsent message to a hidden one", async () => {
    const [, first, second] = await two();
    server.answers = false;
    server.fall();
    second.chat.say("unsent");
    await settle(100);
    second.close();
    server.rise();
    await settle(9_000);
    expect([stored(), first.texts()]).toEqual([["unsent"], ["unsent"]]);
  });

  it("brought back from the back/forward cache has what was said meanwhile", async () => {
    const [, first, second] = await two();
    first.chat.leave();
    second.chat.say("meanwhile");
    await settle();
    second.close();
    first.show(true);
    await settle();
    expect([first.texts(), first.chat.sync.isJoined]).toEqual([["meanwhile", "echo: meanwhile"], true]);
  });

  it.each([true, false])("reloaded while nobody looks leads again if it has led (locks: %s)", async (locks) => {
    const [browser, first, second] = await two({ locks });
    second.show(false);
    for (const tab of [first, second]) {
      tab.close();
      browser.open(false, { leaderMemory: { recall: () => tab.hasLed, keep: () => undefined } });
    }
    await settle(10_000);
    expect([first.hasLed, second.hasLed]).toEqual([false, true]);
    expect(browser.tabs.map(({ chat }) => chat.isLeader && chat.sync.isJoined)).toEqual([false, true]);
  });

  it("that only shows the site without the widget may clear the storage of all", async () => {
    const [browser, first, second] = await two();
    second.chat.say("secret");
    await settle();
    browser.clear(null);
    await settle(100);
    expect([first.texts(), second.texts()]).toEqual([[], []]);
  });
});
