// The names of the events, and what the widget adds to the generated types of the protocol.

import type { ClientEvents, Message, Refusal, ServerEvents, Stream, Task } from "./protocol-types.js";

export type * from "./protocol-types.js";

export const EVENTS = {
  join: "join_session",
  send: "send_message",
  visibility: "visibility",
  stop: "stop_reply",
  typing: "typing",
  confirm: "confirmation_response",
  context: "update_context",
  proceed: "continue_task",
  started: "action_started",
  completed: "action_complete",
  sequenceComplete: "sequence_complete",
  joined: "session_joined",
  message: "message",
  chunk: "message_chunk",
  done: "message_done",
  plan: "action_plan",
  confirmation: "confirmation_required",
  taskComplete: "task_complete",
  taskAborted: "task_aborted",
  takenOver: "session_taken_over",
  expired: "session_expired",
  deleted: "session_deleted",
  lost: "history_lost",
  presence: "presence",
  error: "error",
} as const satisfies Record<string, keyof ClientEvents | keyof ServerEvents>;

export type Ack<T> = ({ ok: true } & T) | ({ ok: false } & Refusal);

export function isStream(value: unknown): value is Stream {
  const stream = value as Stream | null | undefined;
  return typeof stream?.streamId === "string" && typeof stream.text === "string" && Number.isSafeInteger(stream.nextChunk);
}

export function isTask(value: unknown): value is Task {
  const task = value as Task | null | undefined;
  return typeof task?.taskId === "string" && Array.isArray(task.steps) && task.steps.every((step) => typeof step?.id === "string");
}

/** Validates a message from the network or the storage. */
export function isMessage(value: unknown): value is Message {
  const message = value as Message | null;
  return (
    typeof message === "object" &&
    message !== null &&
    typeof message.id === "string" &&
    Number.isSafeInteger(message.seq) &&
    message.seq > 0 &&
    (message.role === "visitor" || message.role === "assistant" || message.role === "system") &&
    typeof message.text === "string" &&
    Number.isFinite(message.ts)
  );
}
