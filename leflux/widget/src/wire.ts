// The names and shapes of the protocol; the only home of event names.

import type { Message, SiteConfig } from "./types.js";

export const EVENTS = {
  join: "join_session",
  send: "send_message",
  visibility: "visibility",
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
  error: "error",
} as const;

export interface Retention {
  clientTtlMs: number;
  userDataTtlMs: number;
  idleTtlMs: number;
  taskHoldMs: number;
  readOnlyMs: number;
}

/** A reply that is still being written: the text so far and the index of the next chunk. */
export interface Stream {
  streamId: string;
  text: string;
  nextChunk: number;
}

export interface Target {
  role?: string;
  name?: string;
  label?: string;
  selector?: string;
}

export interface Step {
  id: string;
  action: "click" | "type" | "select" | "scroll_to" | "navigate" | "wait";
  elementId?: string;
  target?: Target;
  url?: string;
  inputData?: string;
  waitDuration?: number;
  description?: string;
  expectUrl?: string;
  status: "pending" | "started" | "done" | "failed";
}

export interface Task {
  taskId: string;
  status: "running" | "held" | "done" | "aborted";
  steps: Step[];
  cursor: number;
  heldUntil?: number;
}

export interface Plan {
  taskId: string;
  actions: Step[];
  message?: string;
  isSequence: true;
  resumed?: boolean;
}

export interface ConfirmationRequired {
  taskId: string;
  actionId: string;
  message: string;
  confirm_label: string;
  cancel_label: string;
  kind?: "gate" | "repeat" | "missing";
}

export interface TaskEnd {
  taskId: string;
  message?: Message;
  summary?: string;
  reason?: "reload" | "timeout" | "failed" | "cancelled";
}

export interface InitAnswer {
  sessionId: string;
  createdAt: number;
  seq: number;
  siteConfig?: SiteConfig;
  retention?: Retention;
}

export interface RestoreAnswer extends InitAnswer {
  history: Message[];
  truncated: boolean;
  task?: Task | null;
  streams?: Stream[];
}

export interface Joined {
  sessionId: string;
  seq: number;
  history: Message[];
  truncated: boolean;
  task?: Task | null;
  streams?: Stream[];
  epoch: number;
}

export interface Chunk {
  streamId: string;
  chunkIndex: number;
  delta: string;
}

export interface StreamDone {
  streamId: string;
  message: Message;
}

export interface Refusal {
  error: string;
  message: string;
  details?: { retryAfterMs?: number };
}

export type Ack<T> = ({ ok: true } & T) | ({ ok: false } & Refusal);

/** A message is drawn from the network or from storage only if it looks like one. */
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
