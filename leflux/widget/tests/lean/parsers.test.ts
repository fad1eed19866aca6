// The text-only parsers, held against the packages whose place they take.
import * as realEngine from "engine.io-parser";
import * as realSocket from "socket.io-parser";
import { describe, expect, it } from "vitest";
import * as engine from "../../src/lean/engineio-parser.js";
import * as socket from "../../src/lean/socketio-parser.js";

type Decoder = socket.Decoder | realSocket.Decoder;

function decoded(decoder: Decoder, text: unknown): unknown {
  let packet: unknown = "nothing";
  (decoder as socket.Decoder).on("decoded", (found) => (packet = found));
  decoder.add(text);
  return packet;
}

function outcome(decoder: Decoder, text: unknown): unknown {
  try {
    return decoded(decoder, text);
  } catch {
    return "refused";
  }
}

const PACKETS: socket.Packet[] = [
  { type: 0, nsp: "/" },
  { type: 0, nsp: "/", data: { sessionId: "a", since: 3, url: "https://shop.example/?a=1,2#x" } },
  { type: 0, nsp: "/admin", data: {} },
  { type: 1, nsp: "/" },
  { type: 1, nsp: "/admin" },
  { type: 2, nsp: "/", data: ["message", { text: 'a "quoted", line\n\u2028 é 😀 \u0000' }] },
  { type: 2, nsp: "/", data: ["send_message", {}], id: 0 },
  { type: 2, nsp: "/admin", data: ["a", null, 1.5, [true]], id: 12 },
  { type: 2, nsp: "/", data: [7, "numbers name events too"] },
  { type: 3, nsp: "/", data: [{ ok: true }], id: 456 },
  { type: 3, nsp: "/admin", data: [], id: 1 },
  { type: 4, nsp: "/", data: { message: "host_not_registered" } },
  { type: 4, nsp: "/admin", data: "no" },
];

describe("socket.io packets", () => {
  it.each(PACKETS)("are written and read as the package does: %j", (packet) => {
    const [text] = new realSocket.Encoder().encode({ ...packet });
    expect(new socket.Encoder().encode(packet)).toEqual([text]);
    expect(decoded(new socket.Decoder(), text)).toEqual(decoded(new realSocket.Decoder(), text));
  });

  it.each([
    "7", "9[]", "x", "-1", "2{}", "2[", '2["connect"]', '2["disconnect",1]', '2["newListener"]', "2[]", "2[null]", "2[{}]",
    "2null", "2false", "2true", '2"text"', "3{}", '3"text"', "31{}", "0[]", '0"x"', "0null", "01", "1{}", "1[]", "1null",
    "4[]", "4null", "4", "2", "3", "21", "2/admin", "2/admin,", '2/admin,["a"]', '2/admin["a"]', '2/,["a"]', "2/admin,5",
    '2["a"]x', '2-1["a"]', '21.5["a"]', '21e3["a"]', '2x["a"]', '2["__proto__"]', '2["a",{"__proto__":{"b":1}}]', '212345678901234567890["a"]',
  ])("are refused or accepted as by the package: %s", (text) => {
    expect(outcome(new socket.Decoder(), text)).toEqual(outcome(new realSocket.Decoder(), text));
  });

  it.each([
    "", " ", '2 ["a"]', "51-[]", '51-["a",{"_placeholder":true,"num":0}]', "61-[]", new ArrayBuffer(3), new Uint8Array(3), undefined, null, 2, {},
  ])("that are binary, blank or padded are refused at once: %j", (text) => {
    expect(() => new socket.Decoder().add(text)).toThrow();
  });

  it("that are refused leave the decoder as it was", () => {
    const decoder = new socket.Decoder();
    expect(outcome(decoder, "2[")).toBe("refused");
    expect(decoded(decoder, '2["a"]')).toEqual({ type: 2, nsp: "/", data: ["a"] });
  });

  it("have the numbers and the version of the package", () => {
    expect(socket.protocol).toBe(realSocket.protocol);
    for (const name of ["CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR"] as const) {
      expect(socket.PacketType[name]).toBe(realSocket.PacketType[name]);
    }
  });
});

const TYPES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"] as const;

describe("engine.io packets", () => {
  const packets: engine.Packet[] = TYPES.flatMap((type) => [{ type }, { type, data: "" }, { type, data: 'text "é" 😀 0' }]);

  it.each(packets)("are written and read as the package does: %j", (packet) => {
    const written: unknown[] = [];
    engine.encodePacket(packet, true, (text) => written.push(text));
    realEngine.encodePacket(packet, true, (text) => written.push(text));
    expect(written[0]).toBe(written[1]);
    expect(engine.decodePacket(written[0])).toEqual(realEngine.decodePacket(written[1]));
  });

  it("are joined as the package does", () => {
    const written: string[] = [];
    engine.encodePayload(packets, (text) => written.push(text));
    realEngine.encodePayload(packets, (text) => written.push(text));
    expect(written[0]).toBe(written[1]);
    expect(engine.decodePayload(written[0]!)).toEqual(realEngine.decodePayload(written[1]!));
  });

  it.each(["", "7", "9x", "x", " 4", "-1", "4a\x1e", "4a\x1e9\x1e4b", "\x1e4a", "2\x1e2", "4\x1e4"])("are refused or accepted as by the package: %j", (text) => {
    expect(engine.decodePacket(text)).toEqual(realEngine.decodePacket(text));
    expect(engine.decodePayload(text)).toEqual(realEngine.decodePayload(text));
  });

  it.each(["bAQID", new ArrayBuffer(2), new Uint8Array(2), undefined, null, 4])("that are binary are errors: %j", (data) => {
    expect(engine.decodePacket(data)).toEqual({ type: "error", data: "parser error" });
  });

  it("have the version of the package", () => {
    expect(engine.protocol).toBe(realEngine.protocol);
  });
});
