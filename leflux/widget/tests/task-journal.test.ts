import { beforeEach, expect, it } from "vitest";
import { memoryArea } from "../src/records.js";
import { type Arrival, conclude, type Kept, TaskJournal } from "../src/task-journal.js";

const HERE = "http://shop.test/form";
const THERE = "http://shop.test/thanks";
const line: Kept = { taskId: "t", page: "old", actionId: "s", state: "dispatched", url: HERE, left: true };

let area = memoryArea();

beforeEach(() => {
  area = memoryArea();
});

const journal = (page: string, arrival: Arrival = { url: HERE, type: "navigate" }, open = () => area): TaskJournal =>
  new TaskJournal(open, page, () => arrival);

it.each([
  ["a click that has started nothing is done", {}, "reload", HERE, "done"],
  ["a click whose request has gone out is a doubt", { sent: true }, "reload", HERE, "begun"],
  ["a form that was about to be sent was not", { going: "planned" }, "reload", HERE, "undone"],
  ["a link that a reload has cancelled was not followed", { going: "get" }, "reload", HERE, "undone"],
  ["a form that was being sent when the page was reloaded is a doubt", { going: "post" }, "reload", HERE, "begun"],
  ["a form that has led to another page has arrived", { going: "post" }, "navigate", THERE, "arrived"],
  ["a form that has led back has arrived, too", { going: "post" }, "navigate", HERE, "arrived"],
  ["the page that it has led to was reloaded", { going: "post" }, "reload", THERE, "arrived"],
  ["a tab that was restored after a crash has not arrived", { going: "post" }, "back_forward", HERE, "begun"],
  ["without the Navigation API, another page has arrived", { going: "unload" }, "navigate", THERE, "arrived"],
  ["without the Navigation API, a reload alone is done", { going: "unload" }, "reload", HERE, "done"],
  ["what was begun and not done is a doubt", { state: "begun", going: "get" }, "reload", HERE, "begun"],
  ["what was not done stays so", { state: "undone" }, "reload", HERE, "undone"],
] as const)("%s", (_, kept, type, url, state) => {
  expect(conclude({ ...line, ...kept }, { type, url }).state).toBe(state);
});

it("the next page tells what the page before has written", () => {
  const before = journal("old");
  before.begin("t", "s", "begun");
  before.leave();
  expect(journal("new").report).toMatchObject({ taskId: "t", page: "old", actionId: "s", state: "begun", left: true });
  before.result("s", { success: true, url: HERE });
  expect(journal("new").report).toMatchObject({ state: "done", result: { success: true, url: HERE } });
});

it("a page that only reconnects has not left, though it may be about to", () => {
  const own = journal("old");
  own.begin("t", "s", "begun");
  own.leave();
  expect(own.report).toMatchObject({ page: "old", left: false });
  own.giveUp();
  expect(own.report).toMatchObject({ page: "old", left: true });
});

it("a page that gives up in mid-step tells what it is sure of", () => {
  const own = journal("old");
  own.begin("t", "s", "dispatched");
  expect(own.giveUp()).toMatchObject({ state: "done", left: true });
  own.begin("t", "s", "dispatched");
  own.note({ sent: true });
  expect(own.giveUp()).toMatchObject({ state: "begun", left: true });
  expect(journal("new").giveUp()).toBeNull();
});

it("where the storage is blocked, the journal lasts as long as the page", () => {
  const blocked = (): never => {
    throw new DOMException("denied", "SecurityError");
  };
  const own = journal("old", undefined, blocked);
  own.begin("t", "s", "begun");
  own.result("s", { success: true });
  expect(own.report).toMatchObject({ state: "done" });
  expect(journal("new", undefined, blocked).report).toBeUndefined();
  own.clear();
  expect(own.report).toBeUndefined();
});

it("a line that cannot be written is not hidden by the line before", () => {
  const own = journal("old");
  own.begin("t", "s", "begun");
  const { setItem } = area;
  area.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  own.note({ state: "dispatched" });
  expect(own.report).toMatchObject({ state: "dispatched" });
  area.setItem = setItem;
  own.result("s", { success: true });
  expect(journal("new").report).toMatchObject({ state: "done" });
});

it.each(["7", "null", "[]", '"x"', "{", '{"taskId":7}'])("what another script has written there is no journal: %s", (text) => {
  area.setItem("leflux:journal", text);
  expect(journal("new").report).toBeUndefined();
});

it("a page writes nothing into the journal of the page before", () => {
  journal("old").begin("t", "s", "begun");
  const next = journal("new");
  next.note({ state: "dispatched" });
  next.result("s", { success: true });
  expect(next.report).toMatchObject({ page: "old", state: "begun" });
  next.take("t");
  expect(next.report).toEqual({ taskId: "t", page: "new", left: false });
});

it("a stop is kept until the server has heard of it, and hides the progress", () => {
  const own = journal("old");
  own.show({ taskId: "t", done: 1, total: 3, description: "press", status: "running" });
  expect(journal("new").shown).toMatchObject({ done: 1, total: 3 });
  own.stop("t");
  const next = journal("new");
  expect([next.shown, next.isStopped("t"), next.isStopped("u"), next.report?.stopped]).toEqual([null, true, false, true]);
  next.clear();
  expect([next.isStopped("t"), next.report]).toEqual([false, undefined]);
});
