import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Browser, type Tab } from "./browser.js";
import { FakeServer } from "./server.js";

const settle = (ms = 2_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

let server: FakeServer;
let browser: Browser;
let tab: Tab;

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  server = new FakeServer();
  browser = new Browser(server);
  tab = browser.open();
  await settle();
});
afterEach(() => vi.useRealTimers());

const only = () => [...server.sessions.values()].at(-1)!;
const sessionId = (): string => tab.chat.conversation.sessionId!;

describe("a refusal", () => {
  it.each([
    ["rate_limited", "rate-limited"],
    ["store_unavailable", "unavailable"],
    ["host_not_registered", "refused"],
    ["origin_required", "refused"],
    ["internal_error", null],
  ])("with %s is shown as %s until something succeeds", async (code, notice) => {
    tab.chat.sync.refused(code);
    expect([tab.chat.notice, tab.events.find(({ name }) => name === "error")]).toEqual([notice, { name: "error", code }]);
    tab.chat.say("hello");
    await settle();
    expect([tab.chat.notice, tab.texts()]).toEqual([null, ["hello", "echo: hello"]]);
  });

  it("that names another session than this one changes nothing", () => {
    const before = sessionId();
    for (const code of ["session_not_found", "invalid_session_id", "session_deleted"]) tab.chat.sync.refused(code, "another");
    expect([sessionId(), tab.chat.notice]).toEqual([before, null]);
  });

  it("of a session that was erased clears the conversation", async () => {
    tab.chat.say("secret");
    await settle();
    tab.chat.sync.refused("session_deleted", sessionId());
    expect([tab.texts(), tab.chat.conversation.sessionId]).toEqual([[], null]);
  });

  it.each([true, false])("because another tab leads makes a tab in use join again, and another one hang up (in use: %s)", async (inUse) => {
    if (inUse) tab.chat.used();
    const joins = server.joins;
    const close = vi.spyOn(tab.socket, "close");
    tab.chat.sync.refused("not_owner");
    expect(close.mock.calls.length > 0).toBe(!inUse);
    await settle(100);
    expect(server.joins - joins).toBe(inUse ? 1 : 0);
  });
});

describe("late or foreign events", () => {
  it("of another session are ignored", async () => {
    const other = { sessionId: "other", seq: 9, history: [], truncated: false, epoch: 1 };
    tab.socket.hear("session_joined", other);
    tab.socket.hear("session_expired", { sessionId: "other" });
    tab.socket.hear("session_deleted", { sessionId: "other" });
    tab.socket.hear("session_taken_over", { sessionId: "other", readOnlyMs: 1 });
    await settle(50);
    expect([tab.chat.isLeader, tab.chat.sync.isJoined, sessionId()]).toEqual([true, true, only().id]);
  });

  it("that are no messages are not shown", async () => {
    tab.socket.hear("message", { id: 7 });
    tab.socket.hear("message_done", { streamId: "s", message: null });
    tab.socket.hear("message_chunk", { streamId: "s", chunkIndex: 4, delta: "x" });
    await settle(50);
    expect(tab.texts()).toEqual([]);
  });

  it("after the connection is lost are not shown", () => {
    tab.chat.sync.isJoined = false;
    const message = { id: "m", seq: 1, role: "assistant" as const, text: "late", ts: 1 };
    tab.chat.sync.message(message);
    tab.chat.sync.chunk({ streamId: "s", chunkIndex: 0, delta: "late" });
    tab.chat.sync.done({ streamId: "s", message });
    expect(tab.texts()).toEqual([]);
  });
});

describe("what was missed", () => {
  it("is read over HTTP while a reply is due and there is no socket", async () => {
    server.answers = false;
    tab.chat.say("hello");
    await settle();
    tab.socket.open = tab.socket.reopen = () => undefined;
    tab.socket.close();
    server.append(only(), "assistant", "missed");
    tab.chat.sync.check();
    await settle(200);
    expect(tab.texts()).toEqual(["hello", "missed"]);
  });

  it("is read again after a failure", async () => {
    server.append(only(), "assistant", "one");
    const two = server.append(only(), "assistant", "two");
    server.isDown = true;
    tab.socket.hear("message", two);
    await settle(200);
    expect(tab.texts()).toEqual([]);
    server.isDown = false;
    await settle(5_000);
    expect(tab.texts()).toEqual(["one", "two"]);
  });

  it("is restored when the server knows less than this tab", async () => {
    tab.chat.say("hello");
    await settle();
    only().messages.length = 1;
    tab.socket.drop();
    await settle(3_000);
    expect(tab.texts()).toEqual(["hello"]);
  });

  it("is nobody's to ask for without a session, and is asked for again on a new socket", async () => {
    tab.chat.clear();
    await tab.chat.sync.rejoin();
    expect(await tab.chat.sync.ask("visibility", {})).toBeNull();
    tab.socket.close();
    await tab.chat.sync.rejoin();
    await settle();
    expect(tab.socket.connected).toBe(true);
  });
});

describe("a question of a task", () => {
  const ask = (kind: string): void =>
    tab.socket.hear("confirmation_required", { taskId: "t", actionId: "a", message: "Sure?", confirm_label: "Yes", cancel_label: "No", kind });

  it.each([
    ["gate", true, "confirmation_response"],
    ["missing", false, "confirmation_response"],
    ["missing", true, "continue_task"],
  ])("of the kind %s, answered with %s, sends %s", async (kind, confirmed, event) => {
    ask(kind);
    await settle(50);
    expect(tab.chat.progress.confirmation).toMatchObject({ actionId: "a", confirmLabel: "Yes", cancelLabel: "No" });
    const sent = vi.spyOn(tab.socket, "ask");
    tab.chat.confirm(confirmed);
    expect(sent.mock.calls.map(([name]) => name)).toEqual([event]);
    expect([tab.chat.progress.confirmation, tab.names().includes("proceed")]).toEqual([null, event === "continue_task"]);
  });

  it("is gone with its task", async () => {
    tab.socket.hear("action_plan", { taskId: "t", actions: [], isSequence: true });
    ask("gate");
    await settle(50);
    const message = server.append(only(), "assistant", "Done");
    tab.socket.hear("task_complete", { taskId: "t", message });
    await settle(50);
    expect([tab.chat.progress.confirmation, tab.chat.progress.task, tab.texts()]).toEqual([null, null, ["Done"]]);
    tab.chat.confirm(true);
    expect(tab.names()).toContain("task-end");
  });
});

describe("the notice", () => {
  it("says whether the browser or the connection is offline", async () => {
    let isOnline = false;
    const other = new Browser(server).open(true, { online: () => isOnline });
    await settle();
    server.fall();
    expect(other.chat.notice).toBe("offline");
    isOnline = true;
    expect(other.chat.notice).toBe("reconnecting");
  });

  it("says that a message is too long for the server, which can be retried or discarded", async () => {
    const say = vi.spyOn(server, "say").mockImplementation(() => {
      throw { error: "invalid_message", message: "" };
    });
    tab.chat.say("too long");
    await settle();
    const [message] = tab.chat.outbox.messages;
    expect([tab.chat.notice, message?.failed, tab.chat.shown[0]?.status]).toEqual(["too-long", "invalid_message", "failed"]);
    say.mockRestore();
    tab.chat.outbox.retry(message!.clientMessageId);
    await settle();
    expect([tab.chat.notice, tab.texts()]).toEqual([null, ["too long", "echo: too long"]]);
  });
});

it("a message whose HTTP call fails on a refused site waits and is not lost", async () => {
  tab.socket.open = tab.socket.reopen = () => undefined;
  tab.socket.close();
  const say = vi.spyOn(server, "say").mockImplementation(() => {
    throw { error: "host_not_registered", message: "" };
  });
  tab.chat.say("later");
  await settle(10_000);
  expect([tab.chat.notice, tab.chat.outbox.messages.length]).toEqual(["refused", 1]);
  say.mockRestore();
  tab.chat.flush();
  await settle(10_000);
  expect(only().messages[0]?.text).toBe("later");
});

it("a page view on a site that refuses it starts no session and soon asks no more", async () => {
  const refusing = new FakeServer();
  vi.spyOn(refusing as unknown as { handle(): unknown }, "handle").mockImplementation(() => {
    throw { error: "host_not_registered", message: "" };
  });
  const other = new Browser(refusing).open(true, { visitorId: () => "visitor" });
  await settle(5_000);
  refusing.calls.length = 0;
  await settle(60_000);
  expect([refusing.calls, other.chat.notice, other.chat.conversation.sessionId]).toEqual([[], "refused", null]);
});

it("an init that fails is tried again until it succeeds", async () => {
  const slow = new FakeServer();
  slow.isDown = true;
  const other = new Browser(slow).open(true, { visitorId: () => "visitor" });
  await settle(4_000);
  slow.isDown = false;
  await settle(10_000);
  expect([other.chat.sync.isJoined, slow.inits]).toEqual([true, [expect.objectContaining({ visitorId: "visitor" })]]);
});

it("an answer that is no session, or no JSON, counts as none", async () => {
  for (const body of ["[]", "null", "{}", "<html>"]) {
    const odd = new FakeServer();
    const fetch = vi.fn(() => Promise.resolve(new Response(body)));
    const { Http } = await import("../src/http.js");
    const other = new Browser(odd).open(true, { http: new Http("http://host", fetch) });
    await settle(100);
    expect([other.chat.conversation.sessionId, fetch.mock.calls.length > 0]).toEqual([null, true]);
  }
});

it("a history that the server has lost is told, stays in sight, and goes on in a new session", async () => {
  tab.chat.say("before");
  await settle();
  const lost = sessionId();
  server.lose("another");
  expect(tab.chat.notice).toBeNull();
  server.lose(lost);
  await settle(100);
  expect([tab.chat.notice, tab.texts()]).toEqual(["history-lost", ["before", "echo: before"]]);
  tab.chat.say("after");
  await settle(5_000);
  expect([tab.chat.notice, tab.texts()]).toEqual([null, ["before", "echo: before", "after", "echo: after"]]);
  expect(server.inits.at(-1)).toMatchObject({ continues: lost, priorHistory: [{ text: "before" }, { text: "echo: before" }] });
});
