import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Plan } from "../src/protocol.js";
import { Browser, type BrowserOptions, type Tab } from "./browser.js";
import { FakeServer } from "./server.js";

const settle = (ms = 2_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const plan = {
  taskId: "t",
  actions: [
    { id: "a", action: "click", expectUrl: "", status: "done" },
    { id: "b", action: "click", expectUrl: "", status: "pending", description: "press b" },
  ],
  hosts: [],
  isSequence: true,
} as Plan;
const shown = { taskId: "t", done: 1, total: 2, description: "press b", status: "running" };

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  server = new FakeServer();
});
afterEach(() => vi.useRealTimers());

/** A tab that runs a task, and another one beside it. */
async function acting(options: BrowserOptions): Promise<[Browser, Tab, Tab]> {
  const browser = new Browser(server, options);
  const tabs = [browser.open(), browser.open()];
  await settle();
  const leader = tabs.find(({ chat }) => chat.isLeader)!;
  leader.socket.hear("action_plan", plan);
  await settle(100);
  return [browser, leader, tabs.find((tab) => tab !== leader)!];
}

const tasks = (...tabs: Tab[]): unknown[] => tabs.map(({ chat }) => chat.progress.task);

describe.each([
  ["with a channel", {}],
  ["without a channel", { channel: false }],
] as [string, BrowserOptions][])("a task in two tabs %s", (_name, options) => {
  it("is shown in both, and in one that opens later", async () => {
    const [browser, leader, other] = await acting(options);
    expect(tasks(leader, other)).toEqual([shown, shown]);
    const later = browser.open(false);
    await settle(100);
    expect(tasks(later)).toEqual([shown]);
  });

  it("is stopped in both at once from either, also while the server is away", async () => {
    for (const index of [1, 2] as const) {
      const tabs = await acting(options);
      const [, leader, other] = tabs;
      server.isDown = true;
      leader.socket.drop();
      tabs[index].chat.tasks.stop();
      await settle(50);
      expect(tasks(leader, other)).toEqual([null, null]);
      expect([leader, other].map((tab) => tab.names().includes("stopped"))).toEqual([true, true]);
      expect(leader.chat.tasks.journal.report).toMatchObject({ taskId: "t", stopped: true });
      server.isDown = false;
      for (const tab of tabs.slice(1) as Tab[]) tab.chat.destroy();
    }
  });
});

it("a task that was stopped is not shown again by a server that has not heard of it", async () => {
  const [, leader] = await acting({});
  leader.chat.tasks.stop();
  leader.chat.tasks.state({ taskId: "t", status: "running", steps: plan.actions, cursor: 1, progressBy: 0 });
  expect([tasks(leader), leader.chat.tasks.journal.isStopped("t")]).toEqual([[null], true]);
  leader.chat.tasks.state({ taskId: "t", status: "aborted", steps: plan.actions, cursor: 1, progressBy: 0 });
  expect(leader.chat.tasks.journal.report).toBeUndefined();
});

it("a tab that gives the task up tells the next one what it has done", async () => {
  const [, leader, other] = await acting({});
  leader.chat.tasks.journal.begin("t", "b", "begun");
  leader.chat.tasks.journal.result("b", { success: true });
  const adopted = vi.spyOn(other.chat.tasks.journal, "adopt");
  other.chat.used();
  await settle();
  expect([leader.chat.isLeader, other.chat.isLeader]).toEqual([false, true]);
  expect(leader.names()).toContain("stepped-down");
  expect(adopted.mock.calls).toMatchObject([[{ actionId: "b", state: "done", left: true }]]);
});
