// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Connection, connectTo } from "../src/connection.js";
import { arrived } from "../src/part-loader.js";
import type { Client } from "../src/socket-client.js";
import { FakeNetwork, FakeWebSocket, type Health } from "./network.js";

const AUTH = { sessionId: "a-session", since: 3, url: "http://shop.test/", page: "this-load" };

let net: FakeNetwork;

// The client takes the page's `WebSocket` once, when it is loaded.
vi.stubGlobal("WebSocket", function dial(url: string) {
  return new FakeWebSocket(net, url);
});
await import("../src/socket-client.js");
const client = arrived<Client>("socket")!;

let told: string[];
let keepsPolling: boolean;
let connection: Connection;

beforeEach(() => {
  vi.useFakeTimers();
  net = new FakeNetwork();
  net.install();
  [told, keepsPolling] = [[], false];
  const memory = { isPollingOnly: () => keepsPolling, keepPollingOnly: () => {
    keepsPolling = true;
  } };
  connection = connectTo("http://host/base", memory, () => Promise.resolve(client))(() => AUTH, {
    up: () => told.push("up"),
    down: () => told.push("down"),
    refused: (code) => told.push(code),
  });
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.stubGlobal("WebSocket", FakeWebSocket);
});

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

async function asks(text: string): Promise<unknown> {
  const answer = connection.ask("send_message", { text });
  await pass(10);
  return answer;
}

it("joins in the handshake and names the instance of the page", async () => {
  connection.open();
  await pass(10);
  expect(told).toEqual(["up"]);
  expect(JSON.parse(net.heard[0]!.slice(2))).toEqual(AUTH);
  expect(net.used).toEqual(["websocket"]);
});

it("an acknowledgement answers its own request, and events reach their handlers", async () => {
  const heard: unknown[] = [];
  connection.on("message", (message) => heard.push(message));
  connection.open();
  await pass(10);
  expect(await asks("one")).toEqual({ ok: true, echo: ["send_message", { text: "one" }] });
  net.sockets[0]!.deliver('42["message",{"seq":1}]');
  await pass(10);
  expect(heard).toEqual([{ seq: 1 }]);
});

it("a handler that throws does not end the connection", async () => {
  connection.on("message", () => {
    throw new Error("broken");
  });
  connection.open();
  await pass(10);
  net.sockets[0]!.deliver('42["message",{}]');
  await expect(pass(10)).rejects.toThrow("broken");
  expect(await asks("still there")).toMatchObject({ ok: true });
});

it("half an emoji is replaced before it is sent", async () => {
  connection.open();
  await pass(10);
  expect(await asks("half \ud83d")).toMatchObject({ echo: ["send_message", { text: "half \ufffd" }] });
});

it("answers the server's pings and gives up a connection without any", async () => {
  connection.open();
  await pass(10);
  net.sockets[0]!.deliver("2");
  await pass(44_000);
  expect([net.heard.includes("3"), told]).toEqual([true, ["up"]]);
  await pass(3_000);
  expect(told).toEqual(["up", "down", "up"]);
});

it("a working WebSocket that is lost is tried twice, then polling is upgraded", async () => {
  connection.open();
  await pass(10);
  net.webSocket = "fails";
  net.sockets[0]!.drop();
  await pass(10_000);
  expect(net.used.slice(0, 4)).toEqual(["websocket", "websocket", "websocket", "polling"]);
  expect(connection.connected).toBe(true);
  expect(await asks("by polling")).toMatchObject({ ok: true });
  expect(keepsPolling).toBe(false);
});

it("polling moves to a WebSocket that works again, and nothing is lost on the way", async () => {
  net.webSocket = "fails";
  connection.open();
  await pass(50);
  net.webSocket = "ok";
  await pass(2_000);
  expect(net.used).toEqual(["websocket", "polling", "websocket"]);
  expect([net.heard.includes("5"), told]).toEqual([true, ["down", "up"]]);
  expect(await asks("by WebSocket")).toMatchObject({ ok: true });
  net.sockets.at(-1)!.drop();
  await pass(2_000);
  expect(net.used.at(-1)).toBe("websocket");
});

it.each(["throws", "missing"] as const)("polling is used at once where WebSocket is %s", async (how) => {
  if (how === "throws") net.webSocket = how;
  else vi.stubGlobal("WebSocket", undefined);
  connection.open();
  await pass(1_000);
  expect(connection.connected).toBe(true);
});

it("polling takes over within 10 s from a WebSocket that is swallowed, and is remembered", async () => {
  net.webSocket = "hangs";
  connection.open();
  await pass(9_900);
  expect([connection.connected, keepsPolling]).toEqual([true, true]);
  connection.reopen();
  await pass(1_000);
  expect(net.used.at(-1)).toBe("polling");
});

it("polling takes over from a WebSocket that is mute", async () => {
  net.isMute = true;
  connection.open();
  await pass(10);
  const answer = connection.ask("send_message", {});
  await pass(5_000);
  expect(await answer).toBeNull();
  connection.suspect();
  await pass(1_000);
  expect(await asks("again")).toMatchObject({ ok: true });
  expect(keepsPolling).toBe(true);
});

it("a server that is slow to answer but alive keeps its connection", async () => {
  const receive = net.receive.bind(net);
  net.receive = (packet, client) => packet.startsWith("42") || receive(packet, client);
  connection.open();
  await pass(10);
  const answer = connection.ask("send_message", {});
  await pass(5_000);
  expect(await answer).toBeNull();
  connection.suspect();
  await pass(1_000);
  expect([told, net.used]).toEqual([["up"], ["websocket"]]);
});

it.each<Health>(["fails", "hangs"])("a network that %s altogether is not taken for a broken WebSocket", async (how) => {
  net.webSocket = net.polling = "hangs";
  connection.open();
  await pass(4_100);
  net.polling = how;
  await pass(20_000);
  net.webSocket = net.polling = "ok";
  // The attempt that hangs now ends after 8 s; a pause of up to 3 s follows one that failed at once.
  await pass(9_000);
  expect([connection.connected, keepsPolling]).toEqual([true, false]);
});

it("a rejected handshake is told and not repeated", async () => {
  net.receive = (packet, client) => packet.startsWith("40") && client.deliver('44{"message":"host_not_registered"}');
  connection.open();
  await pass(30_000);
  expect([told, net.used]).toEqual([["down", "host_not_registered"], ["websocket"]]);
});

it("a server that disconnects is joined again", async () => {
  connection.open();
  await pass(10);
  net.sockets[0]!.deliver("41");
  await pass(2_000);
  expect(told).toEqual(["up", "down", "up"]);
});

it("closing says goodbye, also while polling", async () => {
  keepsPolling = true;
  connection.open();
  await pass(10);
  connection.close();
  await pass(10);
  expect(net.heard.slice(-2)).toEqual(["41", "1"]);
  await pass(60_000);
  expect(told).toEqual(["up", "down"]);
});

it("many large packets are posted in bodies that the server takes", async () => {
  keepsPolling = true;
  connection.open();
  await pass(10);
  const answers = [1, 2, 3, 4].map(() => connection.ask("update_context", { text: "x".repeat(50_000) }));
  await pass(100);
  expect((await Promise.all(answers)).every((answer) => answer?.ok)).toBe(true);
});
