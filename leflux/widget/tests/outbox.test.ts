import { expect, it } from "vitest";
import { Outbox } from "../src/outbox.js";
import { memoryArea } from "../src/records.js";
import { BrowserStore } from "../src/storage.js";

function makeOutbox(area = memoryArea()): Outbox {
  return new Outbox(new BrowserStore(() => area, () => undefined), {
    deliver: () => Promise.resolve({ verdict: "stop" }),
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
