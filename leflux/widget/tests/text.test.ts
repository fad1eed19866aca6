import { expect, it } from "vitest";
import { countChars, crc32, toWire, truncate, wellFormed } from "../src/text.js";

const SMILE = "\u{1f600}";
const HIGH = "\ud83d";
const LOW = "\ude00";

it.each([
  ["", 3, ""],
  ["abc", 3, "abc"],
  ["abcd", 3, "abc"],
  [`ab${SMILE}`, 3, `ab${SMILE}`],
  [`abc${SMILE}`, 3, "abc"],
  [`ab${SMILE}c`, 3, `ab${SMILE}`],
  [SMILE.repeat(4), 3, SMILE.repeat(3)],
  [`${HIGH}${SMILE.repeat(3)}`, 3, `\ufffd${SMILE.repeat(2)}`],
  [`ab${HIGH}`, 3, "ab\ufffd"],
  [`ab${LOW}cd`, 3, "ab\ufffd"],
])("%j is truncated to %i code points and never within a pair", (text, max, expected) => {
  expect(truncate(text, max)).toBe(expected);
});

it("any mix of pairs and lone surrogates is truncated to well-formed text of at most the limit", () => {
  const parts = ["a", SMILE, HIGH, LOW, "\u0e01"];
  for (let seed = 0; seed < 500; seed += 1) {
    const text = Array.from({ length: 1 + (seed % 9) }, (_, place) => parts[(seed * 7 + place * (1 + (seed % 4))) % parts.length]).join("");
    for (let max = 0; max < 10; max += 1) {
      const short = truncate(text, max);
      expect(short).toBe([...wellFormed(text)].slice(0, max).join(""));
      expect(/\p{Surrogate}/u.test(short)).toBe(false);
    }
  }
});

it("a text is counted by code points", () => {
  expect([countChars(""), countChars("abc"), countChars(SMILE.repeat(2))]).toEqual([0, 3, 2]);
});

it("every key and string of a payload is well-formed on the wire, and nothing else changes", () => {
  const payload = { [`k${HIGH}`]: [`${LOW}x`, SMILE, 7, true, null, { deep: HIGH }], none: undefined };
  expect(toWire(payload)).toEqual({ "k\ufffd": ["\ufffdx", SMILE, 7, true, null, { deep: "\ufffd" }], none: undefined });
});

it.each([
  ["", 0],
  ["123456789", 0xcbf43926],
  ["Grüße, 😀\n", 3381916259],
])("the check value of %j is that of zlib", (text, check) => {
  expect(crc32(text)).toBe(check);
});
