import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Http, type HttpError } from "../src/http.js";
import { Browser, type Tab } from "./browser.js";
import { FakeServer } from "./server.js";

const settle = (ms = 2_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

let server: FakeServer;
let browser: Browser;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  server = new FakeServer();
  server.answers = false;
  browser = new Browser(server);
});
afterEach(() => vi.useRealTimers());

const stored = (): string[] => [...server.sessions.values()].at(-1)!.messages.map(({ text }) => text);
const failed = (tab: Tab): (string | undefined)[] => tab.chat.outbox.messages.map((message) => message.failed);

it.each(["bad_json", "bad_packet", "invalid_message", "invalid_request", "payload_too_large", "something_new"])(
  "a message that is refused with %s fails once, and the next one goes",
  async (code) => {
    const tab = browser.open();
    await settle();
    server.refusals.set("poison", code);
    tab.chat.say("poison");
    tab.chat.say("next");
    await settle(60_000);
    expect([stored(), failed(tab), server.attempts("poison")]).toEqual([["next"], [code], 1]);
    expect(tab.events).toContainEqual({ name: "error", code });
  },
);

it.each(["not_owner", "store_unavailable", "internal_error", "rate_limited"])("a message that is refused with %s is tried again", async (code) => {
  const tab = browser.open();
  await settle();
  server.refusals.set("later", code);
  tab.chat.say("later");
  await settle(1_000);
  server.refusals.clear();
  await settle(20_000);
  expect([stored(), failed(tab)]).toEqual([["later"], []]);
});

it("a message on which the server hangs up goes over HTTP, whose refusal is final", async () => {
  const tab = browser.open();
  await settle();
  server.hangsUpOn = "poison";
  server.refusals.set("poison", "bad_json");
  tab.chat.say("poison");
  tab.chat.say("next");
  await settle(30_000);
  expect([stored(), failed(tab)]).toEqual([["next"], ["bad_json"]]);
  expect(server.attempts("poison")).toBeLessThan(4);
});

it("after a reload a failed message is not tried again", async () => {
  const tab = browser.open();
  await settle();
  server.refusals.set("poison", "bad_json");
  tab.chat.say("poison");
  await settle();
  tab.close();
  const next = browser.open();
  await settle(30_000);
  expect([failed(next), server.attempts("poison")]).toEqual([["bad_json"], 1]);
});

it("a refused history is dropped, and the conversation begins without it", async () => {
  const tab = browser.open();
  await settle();
  tab.chat.say("before");
  await settle();
  server.refusesPrior = true;
  server.evict(tab.chat.conversation.sessionId!);
  await settle();
  tab.chat.say("after");
  await settle(10_000);
  expect([stored(), failed(tab)]).toEqual([["after"], []]);
});

it("a visitor who can get no session is told, and the server is left alone", async () => {
  server.refusesInit = true;
  const tab = browser.open();
  await settle();
  tab.chat.say("hello");
  await settle(60_000);
  expect(tab.chat.notice).toBe("refused");
  expect(server.calls.length).toBeLessThan(6);
});

async function answered(status: number, body: string): Promise<HttpError> {
  const http = new Http("http://host", () => Promise.resolve(new Response(body, { status })));
  return (await http.chat("s", "c", "text").catch((error: unknown) => error)) as HttpError;
}

it.each([400, 405, 413, 415, 422, 431])("%i is final, also from a proxy that sends no code", async (status) => {
  expect((await answered(status, "<h1>no</h1>")).isFinal).toBe(true);
});

it.each([401, 403, 404, 408, 425, 429, 500, 502, 503])("%i from a proxy is not final", async (status) => {
  expect(await answered(status, "<h1>no</h1>")).toMatchObject({ isFinal: false, code: "unreachable" });
});
