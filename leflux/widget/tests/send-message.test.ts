// A message whose acknowledgement was lost with its session is shown among those of the earlier session.

import { expect, test, vi } from "vitest";
import type { Connection } from "../src/connection.js";
import type { Conversation } from "../src/conversation.js";
import type { Http } from "../src/http.js";
import { type Sender, sendMessage } from "../src/send-message.js";
import { Transcript } from "../src/transcript.js";

const SESSION = "6f1f9c58-3c4b-4c0e-9a35-4ae0fd0f7a11";
const EARLIER = "0b6f6f0e-64a7-4ad8-8d0c-b5a8a1f4e0d2";

async function sent(ack: object) {
  const transcript = new Transcript();
  const stored = vi.fn(async () => undefined);
  const sender: Partial<Sender> = { isLeader: true, isJoined: true, stored, before: async () => undefined };
  const connection = { ask: async () => ({ ok: true, messageId: "m-1", seq: 7, ...ack }) };
  const result = await sendMessage(
    { clientMessageId: "c-1", text: "Only once", ts: 1 },
    sender as Sender,
    { sessionId: SESSION, transcript } as unknown as Conversation,
    {} as Http,
    connection as unknown as Connection,
    0,
  );
  return { result, transcript, stored };
}

test("a message that an earlier session has stored takes no place in this one", async () => {
  const { result, transcript, stored } = await sent({ sessionId: EARLIER });
  expect(result).toEqual({ outcome: "stored" });
  expect(stored).not.toHaveBeenCalled();
  expect(transcript.seq).toBe(0);
  expect(transcript.shown([], 2)).toMatchObject([{ id: "m-1", text: "Only once", past: true, status: "sent" }]);
});

test("a message that this session has stored takes its place", async () => {
  const { stored, transcript } = await sent({});
  expect(stored).toHaveBeenCalledWith(expect.objectContaining({ id: "m-1", seq: 7, clientMessageId: "c-1" }));
  expect(transcript.past).toEqual([]);
});

test("a message of which the server has hidden something is kept as it is stored", async () => {
  const { stored } = await sent({ text: "my card is •••", data: { hidden: ["card"] } });
  expect(stored).toHaveBeenCalledWith(expect.objectContaining({ text: "my card is •••", data: { hidden: ["card"] } }));
});
