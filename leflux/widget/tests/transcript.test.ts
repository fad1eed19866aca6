import { expect, it } from "vitest";
import { Transcript } from "../src/transcript.js";
import type { Message } from "../src/types.js";

const message = (seq: number, text = `m${seq}`): Message => ({ id: `id${seq}`, seq, role: "assistant", text, ts: 1 });
const texts = (transcript: Transcript): string[] => transcript.shown([], 0).map(({ text }) => text);

it("a restored tail keeps older messages only when nothing is missing between", () => {
  const transcript = new Transcript();
  transcript.merge([1, 2, 3].map((seq) => message(seq)));
  transcript.reset([message(3, "new 3"), message(4)]);
  expect(texts(transcript)).toEqual(["m1", "m2", "new 3", "m4"]);
  transcript.reset([message(9)]);
  expect(texts(transcript)).toEqual(["m9"]);
});

it("what a restore may leave out is known only when nothing older could be sent", () => {
  const transcript = new Transcript();
  expect(transcript.known).toBeNull();
  transcript.merge([message(5), message(6)]);
  expect(transcript.known).toBeNull();
  transcript.reset([1, 2, 3].map((seq) => message(seq)));
  expect(transcript.known).toEqual({ since: 3, first: 1, check: expect.any(Number) });
  transcript.reset(Array.from({ length: 200 }, (_, index) => message(index + 51)));
  expect(transcript.known).toEqual({ since: 250, first: 51, check: expect.any(Number) });
});

it("a server that knows less takes away what it does not know", () => {
  const transcript = new Transcript();
  transcript.merge([1, 2, 3].map((seq) => message(seq)));
  transcript.reset([message(1)]);
  expect([texts(transcript), transcript.seq]).toEqual([["m1"], 1]);
});

it("a cache with a hole is not shown as if it were whole", () => {
  const transcript = new Transcript();
  transcript.merge([message(1), message(5), message(6)]);
  expect(texts(transcript)).toEqual(["m5", "m6"]);
});

it("what does not look like a message is not drawn", () => {
  const transcript = new Transcript();
  expect(transcript.merge([null, 7, { id: "x", seq: -1, role: "visitor", text: "", ts: 0 }, { ...message(1), role: "root" }])).toEqual([]);
});

it("a chunk before which one is missing waits for the end", () => {
  const transcript = new Transcript();
  expect(transcript.chunk({ streamId: "s", chunkIndex: 1, delta: "b" })).toBe(false);
  transcript.stream = { streamId: "s", text: "so far", nextChunk: 3 };
  expect(transcript.chunk({ streamId: "s", chunkIndex: 2, delta: "x" })).toBe(false);
  expect(transcript.chunk({ streamId: "s", chunkIndex: 3, delta: "!" })).toBe(true);
  expect(texts(transcript)).toEqual(["so far!"]);
});
