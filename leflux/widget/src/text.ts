// Text in Unicode code points, as the server counts it, and without lone surrogates.

/** Replaces each lone surrogate with U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** The number of code points. */
export function countChars(text: string): number {
  return [...text].length;
}

/** The first `max` code points, well-formed. */
export function truncate(text: string, max: number): string {
  // `max` code points take at most `2 * max` UTF-16 units; splitting a page's whole text would be slow.
  return wellFormed([...text.slice(0, 2 * max)].slice(0, max).join(""));
}

/** Hides a `toJSON` of the page's prototypes. Without a prototype, so that no accessor of the page is inherited. */
const NO_TO_JSON = { __proto__: null, value: undefined } as PropertyDescriptor;

/** A copy of a JSON value for the network and the storage: all keys and strings are well-formed. */
export function toWire<T>(value: T): T {
  let copy: unknown = value;
  if (typeof value === "string") copy = wellFormed(value);
  else if (typeof value === "object" && value !== null) {
    copy = Array.isArray(value)
      ? value.map(toWire)
      : Object.fromEntries(Object.entries(value).map(([key, part]) => [wellFormed(key), toWire(part)]));
    Object.defineProperty(copy, "toJSON", NO_TO_JSON);
  }
  return copy as T;
}

/** JSON for the network and the storage. */
export function stringify(value: unknown): string {
  return JSON.stringify(toWire(value));
}

/** The CRC-32 of a text in UTF-8. */
export function crc32(text: string): number {
  let crc = -1;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
