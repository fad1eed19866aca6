// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { BrowserStore } from "../src/browser-store.js";
import type { ChatEvent } from "../src/events.js";
import type { PagePart } from "../src/page-description.js";
import { PageInspector } from "../src/page-inspector.js";
import { PageReader } from "../src/page-reader.js";
import type { PageRules } from "../src/types.js";

const HREF = "http://shop.test/a?token=abc&utm_source=mail#access_token=xyz";
let said: { event: string; context: Record<string, unknown> }[];
let hear: (event: ChatEvent) => void;
let progress: { task: object | null; given: string[] };
let readers: PageReader[];

beforeEach(() => {
  vi.useFakeTimers();
  said = [];
  readers = [];
  progress = { task: null, given: [] };
  document.body.innerHTML = "<main>Lamps</main>";
});

afterEach(() => {
  for (const reader of readers) reader.stop();
  vi.useRealTimers();
});

function read(context: PageRules = {}, readsPage = true, loadPage = (): Promise<PagePart> => Promise.resolve({ PageInspector })): PageReader {
  const reader = new PageReader(
    { store: { widget: () => ({ config: { context } }) } as BrowserStore, url: () => HREF, readsPage, loadPage },
    {
      conversation: { key: "key" },
      progress,
      visitor: { data: {} },
      sync: {
        isJoined: true,
        ask: async (event, payload) => {
          said.push({ event, ...(payload as { context: Record<string, unknown> }) });
          return { ok: true };
        },
      },
      on: (listener) => {
        hear = listener;
      },
    },
  );
  readers.push(reader);
  return reader;
}

const soon = (): Promise<unknown> => vi.advanceTimersByTimeAsync(3_000);

it("nothing is read and no address is told before the visitor's first message", async () => {
  const reader = read();
  hear({ name: "joined" });
  hear({ name: "reindex" });
  document.body.append("more");
  await soon();
  expect([said, reader.url]).toEqual([[], undefined]);
  await reader.before();
  expect(said.map(({ event }) => event)).toEqual(["update_context"]);
  expect(reader.url).toMatch(/^http:\/\/shop\.test\/a\?token=~\w+&utm_source=~\w+$/);
});

it("after the first message a change of the page waits for the next message", async () => {
  const reader = read();
  await reader.before();
  document.body.append("more");
  await soon();
  expect(said).toHaveLength(1);
  document.title = "Another";
  await reader.before();
  expect(said).toHaveLength(2);
  document.title = "";
});

it("a page on which a task goes on is read, and its changes are news", async () => {
  const reader = read();
  progress.task = {};
  hear({ name: "joined" });
  await soon();
  document.title = "Another";
  document.body.append("more");
  await soon();
  expect(said.length).toBe(2);
  expect(reader.url).toBeDefined();
  document.title = "";
});

it("a site may ask for each page view, and for query values", async () => {
  read();
  hear({ name: "config", config: { context: { read: "view", query: ["utm_source"] } } });
  hear({ name: "joined" });
  await soon();
  expect(said).toHaveLength(1);
  expect(readers[0]!.url).toMatch(/\?token=~\w+&utm_source=mail$/);
});

it.each([
  ["the tag", {}, false],
  ["the site", { read: "never" } as PageRules, true],
])("%s may forbid it altogether", async (_, rules, readsPage) => {
  const reader = read(rules, readsPage);
  progress.task = {};
  hear({ name: "joined" });
  await reader.before();
  await soon();
  expect([said, reader.url, await reader.known()]).toEqual([[], undefined, null]);
  hear({ name: "proceed" });
  await soon();
  expect(said).toEqual([{ event: "continue_task", context: {} }]);
});

it("the visitor sees exactly what is sent, before and after", async () => {
  const reader = read();
  const before = await reader.known();
  expect(before!.isSent).toBe(false);
  await reader.before();
  const after = await reader.known();
  expect(after!.isSent).toBe(true);
  expect([JSON.parse(before!.text), JSON.parse(after!.text)]).toEqual([said[0]!.context, said[0]!.context]);
});

it("a part that cannot be loaded, or hangs, holds no message up: the address goes alone", async () => {
  const failing = read({}, true, () => Promise.reject(new Error("404")));
  await failing.before();
  expect(said).toEqual([{ event: "update_context", context: { url: failing.url, userData: {} } }]);
  const hanging = read({}, true, () => new Promise(() => undefined)).before();
  await soon();
  await hanging;
  expect(said).toHaveLength(2);
});
