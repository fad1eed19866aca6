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
const stored = (): string[] => only().messages.map(({ text }) => text);

describe("a page view", () => {
  it("costs one init and one socket, and later one restore and one socket", async () => {
    const first = browser.open();
    await settle();
    expect(server.calls).toEqual(["POST /api/session/init"]);
    expect([first.socket.tries, server.joins]).toEqual([1, 1]);
    first.chat.say("hello");
    await settle();
    first.close();
    server.calls.length = 0;
    const second = browser.open();
    expect(second.texts()).toEqual(["hello", "echo: hello"]);
    expect(server.calls).toEqual([]);
    await settle();
    expect(server.calls).toEqual(["POST /api/session/<id>"]);
    // What the browser has is not sent again.
    expect(server.restores).toEqual([2]);
    expect([second.socket.tries, server.joins]).toEqual([1, 2]);
  });

  it("of a hidden tab asks nothing of the server until it is seen", async () => {
    const tab = browser.open(false);
    await settle(10_000);
    expect([server.calls, tab.socket.tries]).toEqual([[], 0]);
    tab.show(true);
    await settle();
    expect([server.calls, tab.chat.sync.isJoined]).toEqual([["POST /api/session/init"], true]);
  });

  it("in a preview sends and keeps nothing", async () => {
    const tab = browser.open(true, { preview: true });
    tab.chat.say("try");
    await settle();
    expect([tab.texts(), server.calls, tab.socket.tries, browser.data.has("leflux:outbox")]).toEqual([["try"], [], 0, false]);
  });
});

describe("what is typed", () => {
  it("while the server is down is delivered once it is back, in order", async () => {
    const tab = browser.open();
    await settle();
    server.answers = false;
    server.fall();
    for (const text of ["one", "two", "three"]) tab.chat.say(text);
    await settle();
    expect(tab.chat.notice).toBe("reconnecting");
    server.rise();
    await settle(12_000);
    expect(stored()).toEqual(["one", "two", "three"]);
    expect([tab.chat.outbox.messages, tab.chat.notice]).toEqual([[], null]);
  });

  it("is stored once when the acknowledgement is lost", async () => {
    const tab = browser.open();
    await settle();
    server.answers = false;
    server.loseAcks = 2;
    tab.chat.say("once");
    await settle(40_000);
    expect([stored(), tab.texts(), tab.chat.outbox.messages]).toEqual([["once"], ["once"], []]);
  });

  it("survives a crash before it is sent", async () => {
    const tab = browser.open();
    await settle();
    server.fall();
    tab.chat.say("kept");
    tab.kill();
    server.rise();
    const next = browser.open();
    expect(next.chat.shown).toMatchObject([{ text: "kept", status: "sending" }]);
    await settle();
    expect(next.texts()).toEqual(["kept", "echo: kept"]);
  });

  it("to an evicted session goes to the fresh one under its own id, with what was said before", async () => {
    const tab = browser.open();
    await settle();
    tab.chat.say("before");
    await settle();
    const old = tab.chat.conversation.sessionId!;
    server.evict(old, false);
    tab.chat.say("after");
    const { clientMessageId } = tab.chat.outbox.messages[0]!;
    await settle(5_000);
    expect(only().messages.map((message) => message.clientMessageId)).toEqual([clientMessageId, undefined]);
    expect(server.inits.at(-1)).toMatchObject({ continues: old, priorHistory: [{ text: "before" }, { text: "echo: before" }] });
    expect(tab.texts()).toEqual(["before", "echo: before", "after", "echo: after"]);
    expect(tab.chat.shown.map(({ past }) => past === true)).toEqual([true, true, false, false]);
  });

  it("is refused for a while by a rate limit, and then sent", async () => {
    const tab = browser.open();
    await settle();
    server.limitMs = 5_000;
    tab.chat.say("slow down");
    await settle(1_000);
    expect([tab.chat.notice, stored()]).toEqual(["rate-limited", []]);
    server.limitMs = 0;
    await settle(3_000);
    expect(stored()).toEqual([]);
    await settle(3_000);
    expect([tab.chat.notice, stored()]).toEqual([null, ["slow down", "echo: slow down"]]);
  });

  it("goes over HTTP while the socket stays away", async () => {
    const tab = browser.open();
    await settle();
    tab.socket.open = tab.socket.reopen = () => undefined;
    tab.socket.drop();
    tab.socket.close();
    tab.chat.say("by post");
    await settle(20_000);
    expect(server.calls).toContain("POST /api/chat");
    expect(tab.chat.shown[0]).toMatchObject({ text: "by post", status: "sent" });
  });

  it("and is too long is given back, not lost and not sent", async () => {
    const tab = browser.open();
    await settle();
    expect(tab.chat.say("x".repeat(5_001))).toBeNull();
    expect([tab.chat.notice, tab.chat.outbox.messages]).toEqual(["too-long", []]);
    expect(tab.chat.say("😀".repeat(5_000))).not.toBeNull();
  });

  it("is held to the limit that the server tells, also after a reload and after a clear", async () => {
    server.messageChars = 7;
    const tab = browser.open();
    await settle();
    expect([tab.chat.say("\u{1f600}".repeat(8)), tab.chat.notice]).toEqual([null, "too-long"]);
    expect(tab.chat.say("\u{1f600}".repeat(7))).not.toBeNull();
    await settle();
    tab.close();
    const next = browser.open();
    expect(next.chat.say("12345678")).toBeNull();
    await settle();
    next.chat.clear();
    expect([next.chat.say("12345678"), next.chat.say("1234567")]).toEqual([null, expect.any(String)]);
  });

  it("may be longer than 5,000 characters where the server takes more", async () => {
    server.messageChars = 6_000;
    const tab = browser.open();
    await settle();
    expect([tab.chat.say("x".repeat(6_001)), tab.chat.say("x".repeat(6_000))]).toEqual([null, expect.any(String)]);
  });

  it("is held to 5,000 characters again by a server that tells no limit", async () => {
    server.messageChars = 7;
    browser.open().close();
    const tab = browser.open();
    server.messageChars = null;
    await settle();
    expect(tab.chat.say("12345678")).not.toBeNull();
  });

  it.each(["\ud83d", "\ude00"])("with half of a surrogate pair is kept, sent and shown as well-formed text", async (half) => {
    const tab = browser.open();
    await settle();
    server.fall();
    tab.chat.say(`a${half}b`);
    expect(JSON.parse(browser.data.get("leflux:outbox")!).messages).toMatchObject([{ text: "a\ufffdb" }]);
    server.rise();
    await settle(12_000);
    expect(stored()[0]).toBe("a\ufffdb");
    expect(tab.texts()[0]).toBe("a\ufffdb");
  });

  it("fits into a full storage at the price of the history", async () => {
    const tab = browser.open();
    await settle();
    for (let i = 0; i < 5; i += 1) {
      tab.chat.say(`${i} ${"y".repeat(300)}`);
      await settle(500);
    }
    server.fall();
    browser.quota = [...browser.data.values()].join("").length + 50;
    tab.chat.say("z".repeat(400));
    expect(browser.data.get("leflux:outbox")).toContain("zzz");
    expect(browser.data.has("leflux:history")).toBe(false);
    expect(tab.texts()).toHaveLength(11);
  });
});

describe("the server wins", () => {
  it("over a cached history that somebody has changed", async () => {
    const tab = browser.open();
    await settle();
    tab.chat.say("truth");
    await settle();
    tab.close();
    browser.data.set("leflux:history", browser.data.get("leflux:history")!.replace("truth", "lie"));
    const next = browser.open();
    expect(next.texts()[0]).toBe("lie");
    await settle();
    expect(next.texts()).toEqual(["truth", "echo: truth"]);
  });

  it("when news were lost: the hole is read again", async () => {
    const tab = browser.open();
    await settle();
    const session = only();
    for (let i = 1; i <= 3; i += 1) server.append(session, "assistant", `lost ${i}`);
    tab.socket.hear("message", server.append(session, "assistant", "heard"));
    await settle(200);
    expect(tab.texts()).toEqual(["lost 1", "lost 2", "lost 3", "heard"]);
  });

  it("draws a chunk once, and the end of a stream in the same bubble", async () => {
    const tab = browser.open();
    await settle();
    const chunk = (chunkIndex: number, delta: string) => tab.socket.hear("message_chunk", { streamId: "s", chunkIndex, delta });
    chunk(0, "a");
    chunk(0, "a");
    chunk(1, "b");
    await settle(10);
    expect(tab.chat.shown).toMatchObject([{ text: "ab", key: "s", streaming: true }]);
    tab.socket.hear("message_done", { streamId: "s", message: server.append(only(), "assistant", "ab") });
    await settle(10);
    expect(tab.chat.shown).toMatchObject([{ text: "ab", key: "s", seq: 1 }]);
    expect(tab.chat.shown).toHaveLength(1);
  });

  it("brings back a reply whose end was lost, without a second bubble", async () => {
    const tab = browser.open();
    await settle();
    tab.socket.hear("message_chunk", { streamId: "s", chunkIndex: 0, delta: "half" });
    server.append(only(), "assistant", "half and half");
    await settle(10);
    tab.chat.sync.check();
    await settle(200);
    expect(tab.texts()).toEqual(["half and half"]);
  });

  it("takes the message of a task's end", async () => {
    const tab = browser.open();
    await settle();
    const message = { ...server.append(only(), "assistant", "We got interrupted"), kind: "aborted" };
    tab.socket.hear("task_aborted", { taskId: "t", reason: "reload", message });
    await settle(10);
    expect(tab.chat.shown).toMatchObject([{ text: "We got interrupted", kind: "aborted" }]);
    expect(tab.names()).toContain("task-end");
  });

  it("keeps what was said in sight when the session is gone, also after a reload", async () => {
    const tab = browser.open();
    await settle();
    tab.chat.say("hello");
    await settle();
    server.evict(tab.chat.conversation.sessionId!);
    await settle(100);
    expect([tab.chat.conversation.sessionId, tab.texts()]).toEqual([null, ["hello", "echo: hello"]]);
    tab.close();
    const next = browser.open();
    expect(next.texts()).toEqual(["hello", "echo: hello"]);
    await settle();
    expect(server.inits).toHaveLength(2);
    expect(server.inits[1]).toMatchObject({ continues: expect.any(String) });
  });
});
