import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Dates } from "../src/view/dates.js";
import { Browser, type Tab } from "./browser.js";
import { FakeServer } from "./server.js";

const HOUR = 3_600_000;
const settle = (ms = 2_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => vi.useFakeTimers({ now: Date.UTC(2026, 0, 10, 12) }));
afterEach(() => vi.useRealTimers());

/** The days under which the tab shows its messages. */
function days(tab: Tab): string[] {
  const dates = new Dates("en");
  dates.offset = tab.chat.conversation.clockOffset;
  vi.setSystemTime(Date.now() + browserOffset);
  const shown = [...new Set(tab.chat.shown.map(({ ts }) => dates.day(ts)))];
  vi.setSystemTime(Date.now() - browserOffset);
  return shown;
}

let browserOffset = 0;

it.each([0, 26, -72, 400 * 24])("a browser whose clock is %i h ahead shows one day for what was said today", async (hours) => {
  browserOffset = hours * HOUR;
  const server = new FakeServer();
  server.now = () => Date.now();
  const browser = new Browser(server);
  browser.clockOffset = browserOffset;
  const tab = browser.open();
  await settle();
  tab.chat.say("hello");
  expect(days(tab)).toEqual(["Today"]);
  await settle();
  tab.chat.say("again");
  expect(days(tab)).toEqual(["Today"]);
  await settle();
  expect(tab.texts()).toHaveLength(4);
  expect(days(tab)).toEqual(["Today"]);
  tab.close();
  const next = browser.open();
  next.chat.say("after a reload");
  expect(days(next)).toEqual(["Today"]);
});
