import { expect, it } from "vitest";
import { BrowserStore } from "../src/browser-store.js";
import { Conversation } from "../src/conversation.js";
import { isStream, isTask } from "../src/protocol.js";
import { memoryArea } from "../src/records.js";
import { siteConfig } from "../src/site-config.js";
import { Transcript } from "../src/transcript.js";

const GOOD = { title: "Hi", chips: ["one"], theme: "dark", position: "left", hideLauncher: false, primaryColor: "#fff" };

it("settings that fit are kept", () => expect(siteConfig(GOOD)).toEqual(GOOD));

it.each([
  { chips: "What does it cost?" }, { chips: [1] }, { chips: [null] }, { chips: { length: 3 } }, { title: 5 }, { title: null },
  { theme: "neon" }, { position: "top" }, { hideLauncher: "yes" }, { greeting: ["a"] }, { unknown: "x" },
])("%o is left out", (setting) => expect(siteConfig({ ...GOOD, ...setting })).toEqual({ ...GOOD, [Object.keys(setting)[0]!]: undefined }));

it.each([null, undefined, "text", 5, []])("%o in place of the settings is none", (value) => expect(siteConfig(value)).toEqual({}));

it("a cached setting that does not fit is dropped", () => {
  const area = memoryArea();
  area.setItem("leflux:widget", JSON.stringify({ v: 1, open: true, config: { chips: "What does it cost?", title: "Hi" } }));
  expect(new BrowserStore(() => area, () => undefined).widget().config).toEqual({ title: "Hi" });
});

it.each([{ retention: { readOnlyMs: "soon" } }, { retention: { readOnlyMs: -1 } }, { retention: 7 }, { limits: { messageChars: null } }, { createdAt: "now" }])(
  "a session with %o is kept over a reload",
  (odd) => {
    const area = memoryArea();
    const store = new BrowserStore(() => area, () => undefined);
    const sessionId = "00000000-0000-4000-8000-000000000001";
    new Conversation(store, () => 5_000).adopt({ sessionId, createdAt: 1, seq: 0, ...odd } as never);
    const next = new Conversation(store, () => 6_000);
    next.load();
    expect([next.sessionId, next.readOnlyMs, next.messageChars]).toEqual([sessionId, 3_000, 5_000]);
  },
);

it.each([null, "text", [], [null], [{ streamId: 1 }], [{ streamId: "a", text: "b", nextChunk: "0" }]])("streams %o are none", (streams) => {
  const transcript = new Transcript();
  transcript.adoptStream(streams);
  expect(transcript.stream).toBeNull();
});

it("a stream and a task that fit are taken", () => {
  expect(isStream({ streamId: "a", text: "b", nextChunk: 0 })).toBe(true);
  expect([isTask({ taskId: "t", steps: [{ id: "s" }] }), isTask({ taskId: "t", steps: "none" }), isTask(null)]).toEqual([true, false, false]);
});
