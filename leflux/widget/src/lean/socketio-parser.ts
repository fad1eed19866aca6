// Socket.IO packets as text, in place of `socket.io-parser`: LeFlux sends nothing binary (docs/decisions/lean-parsers.md).

import { Emitter } from "@socket.io/component-emitter";

export const protocol = 5;

/** An enum, for esbuild puts its numbers where socket.io-client names them. */
export enum PacketType {
  CONNECT,
  DISCONNECT,
  EVENT,
  ACK,
  CONNECT_ERROR,
}

export interface Packet {
  type: number;
  nsp: string;
  data?: unknown;
  id?: number;
}

/** Names of events that only the library itself raises. */
const RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
/** Type, namespace, acknowledgement id and JSON. */
const PACKET = /^([0-4])(\/[^,]*,?)?(\d*)(|\S[^]*)$/;

export class Encoder {
  encode({ type, nsp, id, data }: Packet): [string] {
    const place = nsp && nsp !== "/" ? `${nsp},` : "";
    return [`${type}${place}${id ?? ""}${data == null ? "" : JSON.stringify(data)}`];
  }
}

export class Decoder extends Emitter<{}, {}, { decoded: (packet: Packet) => void }> {
  /** Raises `decoded`. Throws on what is no valid packet. */
  add(encoded: unknown): void {
    this.emitReserved("decoded", decode(encoded));
  }

  /** Nothing is kept between packets. */
  destroy(): void {}
}

function decode(encoded: unknown): Packet {
  const match = typeof encoded === "string" && PACKET.exec(encoded);
  if (!match) throw new Error("unknown packet");
  const [, type, place, id, json] = match as unknown as [string, string, string | undefined, string, string];
  const packet: Packet = { type: +type, nsp: place?.replace(",", "") ?? "/" };
  if (id !== "") packet.id = +id;
  if (json !== "") {
    packet.data = JSON.parse(json);
    if (!isValid(packet)) throw new Error("invalid payload");
  }
  return packet;
}

function isValid({ type, data }: Packet): boolean {
  if (type === PacketType.EVENT) {
    return Array.isArray(data) && (typeof data[0] === "number" || (typeof data[0] === "string" && !RESERVED.includes(data[0])));
  }
  if (type === PacketType.ACK) return Array.isArray(data);
  const isObject = Object.prototype.toString.call(data) === "[object Object]";
  return (type === PacketType.CONNECT && isObject) || (type === PacketType.CONNECT_ERROR && (isObject || typeof data === "string"));
}
