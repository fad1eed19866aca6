// What the session side is given from outside, and what its parts tell each other.

import type { Baton, Holder } from "./baton.js";
import type { Connect } from "./connection.js";
import type { Http } from "./http.js";
import type { Progress } from "./progress.js";
import type { BrowserStore } from "./storage.js";
import type { Tabs } from "./tabs.js";
import type { Message, SiteConfig } from "./types.js";
import type { Plan, TaskEnd } from "./wire.js";

export interface Env {
  store: BrowserStore;
  http: Http;
  connect: Connect;
  tabs: Tabs;
  baton: (holder: Holder) => Baton;
  /** Runs while no other tab of this browser runs one, where the browser can say so. */
  alone: <T>(task: () => Promise<T>) => Promise<T>;
  /** Ms since the epoch, by a clock that may be wrong. */
  now: () => number;
  url: () => string;
  visible: () => boolean;
  online: () => boolean;
  /** Null where the visitor is not to be counted. */
  visitorId: () => string | null;
  uuid: () => string;
  /** Show only: nothing is sent and nothing is kept. */
  preview: boolean;
  /** What the visitor tells of themselves may be kept in the browser. */
  remembers: boolean;
}

export type ChatEvent =
  | { name: "change" | "widget" | "taken-over" | "cleared" | "reindex" | "joined" | "proceed" }
  | { name: "config"; config: SiteConfig }
  | { name: "message" | "reply"; message: Message }
  | { name: "restored"; how: "full" | "cached" | "new" }
  | { name: "typing"; on: boolean }
  | { name: "plan"; plan: Plan }
  | { name: "task-end"; how: "complete" | "aborted"; end: TaskEnd }
  | { name: "error"; code: string };

/** What `Sync` needs of the chat it works for. */
export interface Desk {
  readonly isOwner: boolean;
  /** The visitor is at work in this tab. */
  readonly isInUse: boolean;
  /** Something waits to be sent. */
  readonly hasWaiting: boolean;
  readonly progress: Progress;
  emit(event: ChatEvent): void;
  changed(): void;
  flush(): void;
  /** Messages that are new here have been put into the transcript. */
  took(fresh: readonly Message[]): void;
  /** The conversation has been written to the storage. */
  saved(): void;
  /** Take over what other tabs have written. True: they are in another session. */
  follow(): boolean;
  /** True: the storage was cleared or is out of date, and so is this tab now. */
  checkStorage(): boolean;
  /** The server has erased the session for good. */
  deleted(sessionId: string | null): void;
  /** Another tab has the conversation. */
  lost(readOnlyMs?: number): void;
}
