// What the visitor clears is gone here; what the visitor erases is promised, whatever becomes of tab and server.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BrowserStore } from "../src/browser-store.js";
import { memoryArea } from "../src/records.js";
import { Removal } from "../src/removal.js";

const [A, B, C] = ["a", "b", "c"].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`) as [string, string, string];
let area: ReturnType<typeof memoryArea>;
let isDown: boolean;
let gone: string[];
let calls: string[];
let ids: string[];
let removals: Removal[];

beforeEach(() => {
  vi.useFakeTimers();
  area = memoryArea();
  isDown = false;
  [gone, calls, ids, removals] = [[], [], [A], []];
});

afterEach(() => {
  for (const removal of removals) removal.stop();
  vi.useRealTimers();
});

/** The removal of a page that has just been loaded. */
function page(): { removal: Removal; store: BrowserStore } {
  const store = new BrowserStore(() => area, () => undefined);
  const removal = new Removal(
    store,
    {
      isLeader: true,
      get sessionId() {
        return ids.at(-1) ?? null;
      },
      get sessionIds() {
        return ids;
      },
      clear: () => {
        calls.push("clear");
        ids = [];
        store.forget(true);
      },
      forgetVisitor: () => void calls.push("visitor"),
      erase: async (id) => {
        if (!isDown) gone.push(id);
        return !isDown;
      },
      changed: () => undefined,
    },
    () => Date.now(),
  );
  removals.push(removal);
  talk(store, ids.at(-1)!);
  return { removal, store };
}

function talk(store: BrowserStore, id: string): void {
  store.saveSession(id, { createdAt: 1, lastActivity: Date.now(), seq: 1 });
}

const later = (ms = 6_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

it("clearing asks the server for nothing and leaves the visitor id", async () => {
  page().removal.begin("clear");
  await later();
  expect([calls, gone]).toEqual([["clear"], []]);
});

it("forgetting erases every session of the conversation, and the visitor id", async () => {
  ids = [B, A];
  page().removal.begin("forget");
  await later(4_000);
  expect([calls, gone]).toEqual([[], []]);
  await later();
  expect([calls, gone]).toEqual([["visitor", "clear"], [B, A]]);
  expect(area.length).toBe(0);
});

it("an erasure that the server has not taken survives the tab", async () => {
  isDown = true;
  const { removal } = page();
  removal.begin("forget");
  await later(60_000);
  expect(gone).toEqual([]);
  removal.stop();
  isDown = false;
  ids = [C];
  page().removal.load();
  await later(100);
  expect(gone).toEqual([A]);
});

it("neither clearing nor erasing another conversation loses the promise", async () => {
  isDown = true;
  const { removal, store } = page();
  removal.begin("forget");
  await later();
  for (const [id, how] of [[B, "forget"], [C, "clear"]] as const) {
    ids = [id];
    talk(store, id);
    removal.begin(how);
    await later();
  }
  removal.undo();
  isDown = false;
  await later(120_000);
  expect(gone.sort()).toEqual([A, B]);
  expect(store.erasing()).toEqual([]);
});
