// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { LeFluxApi } from "../leflux.js";
import { Announcer, announce, makeApi } from "../src/api.js";
import { BrowserStore } from "../src/browser-store.js";
import type { ChatEvent } from "../src/events.js";
import { memoryArea } from "../src/records.js";
import { Tabs } from "../src/tabs.js";
import type { CreateView } from "../src/types.js";
import { createView } from "../src/view/index.js";
import { Widget } from "../src/widget.js";
import { Browser, type Tab } from "./browser.js";
import { FakeServer } from "./server.js";

const settle = (ms = 2_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

let server: FakeServer;
let tab: Tab;
let widget: Widget;
let store: BrowserStore;
let api: LeFluxApi;
const heard: [string, unknown][] = [];

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  heard.length = 0;
  server = new FakeServer();
  tab = new Browser(server).open();
  const area = memoryArea();
  store = new BrowserStore(() => area, () => undefined);
  const tabs = new Tabs("tab", () => {
    throw new Error("no channel");
  });
  const announcer = new Announcer(window, false);
  const show: CreateView = (page, actions) => createView(page, actions, () => new Promise(() => undefined));
  widget = new Widget(document, show, tab.chat, store, tabs, "en", (name) => heard.push([name, null]));
  widget.paint();
  tab.chat.on((event) => (event.name === "change" ? widget.redraw() : announce(event, announcer)));
  api = makeApi({ chat: tab.chat, widget, announcer, isReady: () => true, destroy: () => widget.destroy() });
  await settle();
});

afterEach(() => {
  widget.destroy();
  tab.kill();
  vi.useRealTimers();
});

const shadow = (): ShadowRoot => document.querySelector("leflux-widget")!.shadowRoot!;
const input = (): HTMLTextAreaElement => shadow().querySelector<HTMLTextAreaElement>('[part~="input"]')!;

it("the panel opens, docks and closes as the page asks, and each change is reported once", () => {
  api.toggle();
  api.open();
  expect([api.isOpen(), api.isExpanded()]).toEqual([true, false]);
  api.dock();
  expect([api.isExpanded(), api.getState()]).toEqual([true, expect.objectContaining({ open: true, docked: true, expanded: true })]);
  api.undock();
  api.toggle();
  api.close();
  expect(heard.map(([name]) => name)).toEqual(["open", "expand", "collapse", "close"]);
});

it("the state names the session, the waiting messages and the connection", async () => {
  expect(api.getState()).toMatchObject({ sessionId: tab.chat.conversation.sessionId, connected: true, waiting: 0, seq: 0 });
  server.fall();
  api.send("later");
  expect(api.getState()).toMatchObject({ connected: false, waiting: 1 });
  expect([api.getSessionId(), api.isReady()]).toEqual([tab.chat.conversation.sessionId, true]);
});

it("a question opens the panel and resolves with the next reply", async () => {
  const answer = api.ask("how much?");
  await settle();
  expect([await answer, api.isOpen()]).toEqual([expect.objectContaining({ role: "assistant", text: "echo: how much?" }), true]);
});

it("a question that is not accepted, or whose conversation is cleared, is rejected", async () => {
  await expect(api.ask("  ")).rejects.toThrow("not taken");
  server.answers = false;
  const answer = api.ask("anyone?");
  const outcome = expect(answer).rejects.toThrow("cleared");
  await settle();
  api.clearConversation();
  await outcome;
  expect(tab.texts()).toEqual([]);
});

it("the page sets the visitor's data, hides the launcher and asks for a new description", async () => {
  api.setVisitorData({ name: "Ada" });
  api.showLauncher(false);
  api.reindex();
  await settle(10);
  expect(tab.chat.visitor.data).toEqual({ name: "Ada" });
  expect(shadow().querySelector<HTMLElement>('[part~="launcher"]')!.hidden).toBe(true);
  expect(tab.names()).toContain("reindex");
  api.showLauncher();
  await settle(10);
  expect(shadow().querySelector<HTMLElement>('[part~="launcher"]')!.hidden).toBe(false);
});

it.each([
  [{ name: "typing", on: true }, "typing-start", null],
  [{ name: "typing", on: false }, "typing-end", null],
  [{ name: "error", code: "rate_limited" }, "error", { error: "rate_limited" }],
  [{ name: "restored", how: "full" }, "restored", { how: "full" }],
  [{ name: "task-end", how: "complete", end: { taskId: "t" } }, "task_complete", { taskId: "t", success: true }],
  [{ name: "task-end", how: "aborted", end: { taskId: "t" } }, "task_complete", { taskId: "t", success: false }],
  [{ name: "taken-over" }, "taken-over", null],
  [{ name: "joined" }, null, null],
] as [ChatEvent, string | null, unknown][])("%j reaches the page as %s", (event, name, detail) => {
  const events: [string, unknown][] = [];
  const page = { dispatchEvent: ({ type, detail }: CustomEvent) => events.push([type, detail]) };
  announce(event, new Announcer(page as unknown as Window, false));
  expect(events).toEqual(name === null ? [] : [[`leflux:${name}`, detail]]);
});

it("in debug mode each event is written to the console", () => {
  const debug = vi.spyOn(console, "debug").mockImplementation(() => undefined);
  new Announcer(window, true).dispatch("ready");
  expect(debug).toHaveBeenCalledWith("leflux", "ready", null);
  debug.mockRestore();
});

it("a host that is not registered is told once in the console, with the line to add", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const announcer = new Announcer(window, false);
  for (let time = 0; time < 3; time++) announce({ name: "error", code: "host_not_registered" }, announcer);
  expect(warn.mock.calls).toEqual([[expect.stringContaining(`allowed_hosts: [${location.hostname}]`)]]);
  warn.mockRestore();
});

it("a text that is not accepted goes back into an empty input, and never over a draft", () => {
  expect(widget.send("x".repeat(5_001))).toBeNull();
  expect(input().value).toHaveLength(5_001);
  input().value = "a draft";
  expect(widget.send("x".repeat(5_002))).toBeNull();
  expect(input().value).toBe("a draft");
  widget.saveDraft();
  expect(store.draft()).toBe("a draft");
});

it("replies that arrive while the panel is closed count as unread, also after a clock change", async () => {
  api.send("hello");
  await settle();
  expect(api.getState().unread).toBe(1);
  api.open();
  expect(api.getState().unread).toBe(0);
  api.close();
  expect(api.getState().unread).toBe(0);
});

it("the state of another tab is followed only where the browser stores it", () => {
  store.saveWidget({ open: true, docked: true, seen: 0, config: {} });
  widget.reload();
  expect(api.isExpanded()).toBe(true);
});

it("a changed appearance is stored and drawn, an equal one is not", async () => {
  widget.configure({ title: "Shop" });
  await settle(10);
  expect([store.widget().config, shadow().querySelector("h2")!.textContent]).toEqual([{ title: "Shop" }, "Shop"]);
  const save = vi.spyOn(store, "saveWidget");
  widget.configure({ title: "Shop" });
  expect(save).not.toHaveBeenCalled();
});

it("the visitor cancels a task, and a used panel stores its draft after a moment", async () => {
  const ask = vi.spyOn(tab.chat.sync, "ask");
  tab.socket.hear("action_plan", { taskId: "t", isSequence: true, actions: [{ id: "a", action: "wait", status: "pending", description: "wait" }] });
  await settle(50);
  api.open();
  await settle(50);
  [...shadow().querySelectorAll("button")].find((button) => button.textContent === "Cancel")!.click();
  expect(ask).toHaveBeenCalledWith("sequence_complete", { taskId: "t", result: { success: false, results: [] } });
  input().value = "half typ";
  input().dispatchEvent(new KeyboardEvent("keydown", { key: "x", bubbles: true, composed: true }));
  await settle(400);
  expect(store.draft()).toBe("half typ");
});
