import { expect, it } from "vitest";
import { Outbox } from "../src/outbox.js";
import { BrowserStore, memoryArea } from "../src/storage.js";

it("puts a message back as often as other tabs that write at the same time overwrite it", () => {
  const area = memoryArea();
  const outbox = new Outbox(new BrowserStore(() => area, () => undefined), {
    deliver: () => Promise.resolve({ verdict: "stop" }),
    isStored: () => false,
    changed: () => undefined,
  });
  outbox.add({ clientMessageId: "a", text: "hello", ts: 1 });
  for (let times = 0; times < 20; times += 1) {
    area.removeItem("leflux:outbox");
    outbox.reload();
  }
  expect(outbox.messages.map(({ text }) => text)).toEqual(["hello"]);
  expect(area.getItem("leflux:outbox")).toContain("hello");
});
