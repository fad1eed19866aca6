// What the owner's API says. Times are ms since the epoch.

import type { SiteConfig as Appearance } from "../../widget/src/types.js";

export type { Appearance };

export interface Owner {
  email: string;
  csrfToken: string;
}

export interface Site {
  id: string;
  name: string;
  allowedHosts: string[];
  sessions24h: number;
  snippet: string;
}

export interface SessionRow {
  sessionId: string;
  startedAt: number;
  lastActivity: number;
  messages: number;
  visitorId: string | null;
  firstText: string;
  live: boolean;
}

export interface SessionPage {
  sessions: SessionRow[];
  nextCursor: string | null;
}

export interface Message {
  id: string;
  seq: number;
  role: "visitor" | "assistant" | "system";
  text: string;
  ts: number;
  kind?: string;
  data?: unknown;
}

export interface Step {
  id: string;
  action: string;
  description?: string;
  url?: string;
  status: "pending" | "started" | "done" | "failed";
}

export interface Task {
  taskId: string;
  status: "running" | "held" | "done" | "aborted";
  steps: Step[];
}

export interface Transcript {
  sessionId: string;
  messages: Message[];
  context: unknown;
  tasks: Task[];
  continues: string | null;
  continuedBy: string | null;
  startedAt: number;
  lastActivity: number;
  visitorId: string | null;
  live: boolean;
  /** There are messages after the last of these. */
  more: boolean;
}

export interface Receipt {
  sessions: number;
  messages: number;
  logged: number;
  tasks: number;
}

export interface Erasure {
  deleted: Receipt;
  receipt: { deletedAt: number };
}

export interface Day {
  date: string;
  sessions: number;
  messages: number;
  visitors: number;
  restores: { full: number; partial: number; new: number };
  tasks: { done: number; resumed: number; aborted: number };
}

export interface Analytics {
  days: Day[];
  restoreMs: { p50: number | null; p95: number | null; p99: number | null };
  /** Visitors' messages by the hour of the day (UTC), 24 numbers. */
  hours: number[];
  topQuestions: { text: string; count: number }[];
  /** Messages that came again after an interruption, and were stored once. */
  duplicates: number;
  /** Times that a page had missed messages and read them later. */
  gaps: number;
}

export interface Privacy {
  clientTtlMs: number;
  idleTtlMs: number;
  userDataTtlMs: number;
  messageLog: boolean;
  logRetentionDays: number | null;
  version: number;
}

export interface Settings {
  config: Appearance;
  version: number;
}

export interface Crawl {
  state: "idle" | "running" | "done" | "failed";
  /** How many pages the chat answers from now. */
  pages: number;
  error: string | null;
  found: number;
  done: number;
  failed: number;
  current: string | null;
}

export interface AuditEntry {
  actor: string;
  action: string;
  details: Record<string, string | number | boolean | null>;
  ts: number;
}

export interface PlaybookTask {
  id: string;
  match: string[];
  say: string;
  confirm: string | null;
  steps: { action: string; description?: string; url?: string | null; value?: unknown; target?: unknown }[];
  done: string;
}
