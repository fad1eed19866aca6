import { expect, it } from "vitest";
import { BrowserStore } from "../src/browser-store.js";
import { Conversation } from "../src/conversation.js";
import { memoryArea, type StorageArea, type StorageProblem } from "../src/records.js";
import type { Message } from "../src/types.js";

const message = (seq: number, text: string): Message => ({ id: `id${seq}`, seq, role: "visitor", text, ts: 1 });

function limited(chars: number): StorageArea {
  const area = memoryArea();
  const setItem = (key: string, value: string): void => {
    if (value.length > chars) throw new DOMException("full", "QuotaExceededError");
    area.setItem(key, value);
  };
  return { ...area, setItem };
}

it("a history that does not fit loses its oldest messages, and what was said in earlier sessions first", () => {
  const store = new BrowserStore(() => limited(6_000), () => undefined);
  const messages = Array.from({ length: 60 }, (_, index) => message(index + 1, "x".repeat(50)));
  store.saveHistory({ messages, past: messages });
  const kept = store.history();
  expect(kept.past).toEqual([]);
  expect(kept.messages.at(-1)?.seq).toBe(60);
  expect(kept.messages.length).toBeGreaterThanOrEqual(15);
});

it("a full storage is reported until what failed fits again", () => {
  const troubles: (StorageProblem | null)[] = [];
  const store = new BrowserStore(() => limited(200), (kind) => troubles.push(kind));
  store.saveDraft("y".repeat(500));
  store.saveWidget({ open: true, docked: false, seen: 0, config: {} });
  expect(troubles).toEqual(["storage-full"]);
  store.saveDraft("y");
  expect(troubles).toEqual(["storage-full", null]);
});

it("user data ends with its time, and sooner when the site says so", () => {
  const store = new BrowserStore(memoryArea, () => undefined);
  store.saveUserData({ name: "Ann" }, 1_000);
  expect(store.userData(999)).toEqual({ name: "Ann" });
  store.shortenUserData(500);
  expect(store.userData(501)).toEqual({});
});

it("an outbox entry that is no message is not sent", () => {
  const area = memoryArea();
  area.setItem("leflux:outbox", JSON.stringify({ v: 1, messages: [null, 3, { clientMessageId: "a", text: "", ts: 1 }, { clientMessageId: "b", text: "ok", ts: 1 }] }));
  expect(new BrowserStore(() => area, () => undefined).outbox().map(({ text }) => text)).toEqual(["ok"]);
});

it("what a fresh session is told of the past stays below the server's cap, newest last", () => {
  const area = memoryArea();
  const past = Array.from({ length: 60 }, (_, index) => message(index + 1, `${index} `.padEnd(5_000, "界")));
  area.setItem("leflux:history", JSON.stringify({ v: 1, messages: [], past }));
  const conversation = new Conversation(new BrowserStore(() => area, () => undefined), () => 1);
  conversation.load();
  const prior = conversation.prior();
  expect(new TextEncoder().encode(JSON.stringify(prior)).length).toBeLessThan(200_000);
  expect([prior.length, prior.at(-1)?.text.startsWith("59 ")]).toEqual([8, true]);
});
