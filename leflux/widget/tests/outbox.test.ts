import { expect, it } from "vitest";
import { BrowserStore } from "../src/browser-store.js";
import { Outbox } from "../src/outbox.js";
import { memoryArea } from "../src/records.js";

function makeOutbox(area = memoryArea()): Outbox {
  return new Outbox(new BrowserStore(() => area, () => undefined), {
    send: () => Promise.resolve({ outcome: "stop" }),
    isStored: () => false,
    changed: () => undefined,
  });
}

const texts = (outbox: Outbox): string[] => outbox.messages.map(({ text }) => text);

it("a message survives another tab that has overwritten the list and the death of its own", () => {
  const area = memoryArea();
  const outbox = makeOutbox(area);
  outbox.add({ clientMessageId: "a", text: "hello", ts: 1 });
  area.setItem("leflux:outbox", JSON.stringify({ v: 1, copy: true, messages: [] }));
  expect(texts(makeOutbox(area))).toEqual(["hello"]);
});

it("messages are sent in the order of typing when the clock is set back between them", () => {
  const area = memoryArea();
  const outbox = makeOutbox(area);
  for (const [id, ts] of [["z", 9_000], ["a", 20], ["m", 10]] as const) outbox.add({ clientMessageId: id, text: id, ts });
  expect(texts(makeOutbox(area))).toEqual(["z", "a", "m"]);
});

it("what was stored is not sent again because another tab still lists it", () => {
  const area = memoryArea();
  const outbox = makeOutbox(area);
  outbox.add({ clientMessageId: "a", text: "hello", ts: 1 });
  const stale = area.getItem("leflux:outbox")!;
  outbox.remove("a");
  area.setItem("leflux:outbox", stale);
  expect(texts(makeOutbox(area))).toEqual([]);
});

it("what an earlier release left waiting is still sent", () => {
  const area = memoryArea();
  area.setItem("leflux:outbox", JSON.stringify({ v: 1, messages: [{ clientMessageId: "old", text: "old", ts: 5 }] }));
  const outbox = makeOutbox(area);
  outbox.add({ clientMessageId: "new", text: "new", ts: 4 });
  expect([texts(outbox), texts(makeOutbox(area))]).toEqual([["old", "new"], ["old", "new"]]);
});

it("a message that is given up, in this tab or another one, is not sent again though the storage still has it", () => {
  const area = memoryArea();
  const outbox = makeOutbox(area);
  outbox.add({ clientMessageId: "a", text: "one", ts: 1 });
  outbox.add({ clientMessageId: "b", text: "two", ts: 2 });
  outbox.add({ clientMessageId: "c", text: "three", ts: 9 });
  outbox.drop(["a"], 5);
  outbox.reload();
  expect(texts(outbox)).toEqual(["three"]);
  outbox.reset();
  expect(texts(outbox)).toEqual(["three"]);
  expect([outbox.clear(), texts(outbox)]).toEqual([["c"], []]);
});

it("without a storage the messages live in memory, and end with a reset", () => {
  const store = new BrowserStore(() => {
    throw new DOMException("denied", "SecurityError");
  }, () => undefined);
  const outbox = new Outbox(store, { send: () => Promise.resolve({ outcome: "stop" }), isStored: () => false, changed: () => undefined });
  outbox.add({ clientMessageId: "a", text: "hello", ts: 1 });
  outbox.reload();
  expect(texts(outbox)).toEqual(["hello"]);
  outbox.reset();
  expect([texts(outbox), outbox.waits]).toEqual([[], false]);
});

it("a full storage keeps the message in this tab until it is stored on the server", () => {
  const area = memoryArea();
  const stored = new Set<string>();
  const full = { ...area, setItem: (): void => { throw new DOMException("full", "QuotaExceededError"); } };
  const problems: unknown[] = [];
  const store = new BrowserStore(() => full, (kind) => problems.push(kind));
  const outbox = new Outbox(store, {
    send: () => Promise.resolve({ outcome: "stop" }),
    isStored: (id) => stored.has(id),
    changed: () => undefined,
  });
  outbox.add({ clientMessageId: "a", text: "hello", ts: 1 });
  outbox.reload();
  expect([texts(outbox), store.persistent, problems.at(-1)]).toEqual([["hello"], true, "storage-full"]);
  stored.add("a");
  outbox.reload();
  expect(texts(outbox)).toEqual([]);
});
