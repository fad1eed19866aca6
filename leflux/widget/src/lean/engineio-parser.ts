// Engine.IO packets as text, in place of `engine.io-parser`: LeFlux sends nothing binary (docs/decisions/lean-parsers.md).

/** The protocol version that a handshake names. */
export const protocol = 4;

const TYPES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"] as const;
const SEPARATOR = "\x1e";

export interface Packet {
  type: (typeof TYPES)[number] | "error";
  data?: string;
}

const ERROR_PACKET: Packet = { type: "error", data: "parser error" };

function text({ type, data }: Packet): string {
  return TYPES.indexOf(type as "open") + (data || "");
}

export function encodePacket(packet: Packet, _supportsBinary: boolean, callback: (encoded: string) => void): void {
  callback(text(packet));
}

export function encodePayload(packets: readonly Packet[], callback: (encoded: string) => void): void {
  callback(packets.map(text).join(SEPARATOR));
}

/** What is no text, or of no known type, is an `error` packet, and ends the connection. */
export function decodePacket(encoded: unknown): Packet {
  if (typeof encoded !== "string") return ERROR_PACKET;
  const type = /^[0-6]/.test(encoded) && TYPES[+encoded[0]!];
  if (!type) return ERROR_PACKET;
  return encoded.length > 1 ? { type, data: encoded.slice(1) } : { type };
}

/** The packets up to the first one that cannot be read, and that one. */
export function decodePayload(payload: string): Packet[] {
  const packets = payload.split(SEPARATOR).map(decodePacket);
  const bad = packets.indexOf(ERROR_PACKET);
  return bad < 0 ? packets : packets.slice(0, bad + 1);
}
