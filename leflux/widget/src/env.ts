// What the session side needs from the browser.

import type { BrowserStore } from "./browser-store.js";
import type { Connect } from "./connection.js";
import type { Http } from "./http.js";
import type { Candidate, LeaderElection } from "./leader-election.js";
import type { PagePart } from "./page-description.js";
import type { Load } from "./part-loader.js";
import type { Tabs } from "./tabs.js";
import type { TaskJournal } from "./task-journal.js";

/** Remembers across the page loads of a tab that it was the leader. */
export interface LeaderMemory {
  /** Whether the page before this one in the tab was the leader. Forgets it. */
  recall(): boolean;
  keep(): void;
}

export interface Env {
  store: BrowserStore;
  http: Http;
  connect: Connect;
  tabs: Tabs;
  journal: TaskJournal;
  elect: (candidate: Candidate) => LeaderElection;
  leaderMemory: LeaderMemory;
  /** Runs `task` under a lock across tabs, where the browser supports locks. */
  withLock: <T>(task: () => Promise<T>) => Promise<T>;
  /** Ms since the epoch. The clock may be wrong or change. */
  now: () => number;
  url: () => string;
  visible: () => boolean;
  online: () => boolean;
  /** Null when the visitor must not be counted. */
  visitorId: () => string | null;
  /** Removes the visitor id from this browser. */
  forgetVisitor: () => void;
  uuid: () => string;
  /** Preview mode: nothing is sent or stored. */
  preview: boolean;
  /** The browser may store the visitor's data. */
  keepsUserData: boolean;
  /** The page may be described to the server. */
  readsPage: boolean;
  /** Loads what describes it. */
  loadPage: Load<PagePart>;
}
