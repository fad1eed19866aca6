// Generated from the server's structs by `python -m tests.house.typescript`. Do not edit.

export type Role = "visitor" | "assistant" | "system";

export type MessageKind = "question" | "task" | "aborted" | "notice" | "error" | "person";

/** An account that the caller may remove. */
export interface Account {
  id: string;
  email: string;
  sites: string[];
  isYou: boolean;
}

/** The counts of a span of days. */
export interface Analytics {
  days: Day[];
  restoreMs: RestoreTimes;
  hours: number[];
  topQuestions: TopQuestion[];
  duplicates: number;
  gaps: number;
}

/** An API token. `lastUsed` is null before the first use, `expiresAt` for a token that does not expire. */
export interface ApiToken {
  id: string;
  name: string;
  sites: string[];
  createdAt: number;
  lastUsed: number | null;
  expiresAt: number | null;
}

/** Who did what, when; never a message's text. `ts` is set by the store. */
export interface AuditEntry {
  actor: string;
  action: string;
  details: Record<string, string | number | number | boolean | null>;
  ts: number;
}

/** What a visitor chooses among `options`, asked for with `ask`. With a `default` it is not asked for. */
export interface Choice {
  ask: string;
  options: string[];
  default: string | null;
}

/** The progress of a site's newest crawl. `pages`: the number of pages that the agent answers from. */
export interface Crawl {
  state: "done" | "failed" | "idle" | "running";
  found: number;
  done: number;
  failed: number;
  current: string | null;
  pages: number;
  start: string;
  error: string | null;
}

/** The counts of one UTC day. */
export interface Day {
  date: string;
  sessions: number;
  messages: number;
  visitors: number;
  restores: RestoreCounts;
  tasks: TaskCounts;
}

export interface DeletedCounts {
  sessions: number;
  messages: number;
  logged: number;
  tasks: number;
}

/** A notice to one receiver. `failed`: it is not tried again by itself. */
export interface Delivery {
  id: string;
  endpointId: string;
  event: string;
  conversationId: string;
  state: "delivered" | "failed" | "waiting";
  attempts: number;
  createdAt: number;
  deliveredAt: number | null;
  nextAttempt: number | null;
  error: string | null;
}

/** `isAvailable`: the configuration names a mail server. */
export interface Emails {
  addresses: string[];
  events: ("address.left" | "person.asked")[];
  version: number;
  isAvailable: boolean;
}

/** The decided end of a task, kept until its message is stored. `closesTurn`: the `seq` of the question that it answers. */
export interface Ending {
  status: "aborted" | "done";
  text: string;
  reason?: "cancelled" | "failed" | "reload" | "timeout";
  closesTurn?: number;
  followUp?: boolean;
}

export interface Erasure {
  deleted: DeletedCounts;
  receipt: Receipt;
  success: boolean;
}

/** What must be true of the page after a step: its address, a text that it shows, an element that it has, one that is gone. `within`: milliseconds that the page has for it. */
export interface Expect {
  url?: string;
  text?: string;
  element?: Target;
  gone?: Target;
  within?: number;
}

/** What must be true of the page after a step. `element` and `gone` are elements as `target` is; `within` is a duration. */
export interface ExpectEntry {
  url: string | null;
  text: string | null;
  element: string | Target | null;
  gone: string | Target | null;
  within: string | number | number | null;
}

/** How many sessions and messages. */
export interface LogCount {
  sessions: number;
  messages: number;
}

/** A sign-in of the account. `current`: the one of this call. */
export interface Login {
  id: string;
  since: number;
  lastSeen: number;
  address: string;
  agent: string;
  current: boolean;
}

/** A message as stored and sent. */
export interface Message {
  id: string;
  seq: number;
  role: Role;
  text: string;
  ts: number;
  clientMessageId?: string;
  kind?: MessageKind;
  data?: unknown;
}

/** The account that is signed in. With an API token there is no `csrfToken`. */
export interface Owner {
  email: string;
  sites: string[];
  csrfToken: string | null;
}

/** What the owner answers to a question: a text, a page of the site, or both. */
export interface OwnerAnswer {
  question: string;
  text: string;
  url: string;
}

/** All of a site's. `version`: what a change names; 0 when there are none yet. */
export interface OwnerAnswers {
  answers: OwnerAnswer[];
  version: number;
}

/** Somebody of the site who has a conversation. `isYou`: the caller. */
export interface PersonRow {
  name: string;
  since: number;
  isYou: boolean;
}

export interface PlaybookTask {
  id: string;
  match: string[];
  steps: StepEntry[];
  choices: Record<string, Choice>;
  say: string;
  confirm: string | null;
  done: string;
}

/** The rules with the version that a change must name (0: the configuration's own). */
export interface Privacy {
  clientTtlMs: number;
  idleTtlMs: number;
  userDataTtlMs: number;
  messageLog: boolean;
  logRetentionDays: number | null;
  version: number;
}

/** What was erased of one conversation, and when. */
export interface Receipt {
  conversationId: string;
  deletedAt: number;
  counts: DeletedCounts;
}

export interface RestoreCounts {
  full: number;
  partial: number;
  new: number;
}

/** Percentiles in milliseconds; null without restores. */
export interface RestoreTimes {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** A page of a list. */
export interface SessionPage {
  sessions: SessionRow[];
  nextCursor: string | null;
}

/** A conversation in a list. `waitingSince`: when the visitor said the last word; null when somebody else did. */
export interface SessionRow {
  conversationId: string;
  startedAt: number;
  lastActivity: number;
  messages: number;
  visitorId: string | null;
  firstText: string;
  live: boolean;
  lastText: string | null;
  waitingSince: number | null;
  person: PersonRow | null;
}

/** `config` is the whole appearance: it replaces the configuration's. `version` as in `Privacy`. */
export interface Settings {
  config: SiteConfig;
  version: number;
}

/** A site in the list of sites. `sessions24h` counts up to a thousand. */
export interface Site {
  id: string;
  name: string;
  allowedHosts: string[];
  sessions24h: number;
  snippet: string;
}

/** What one look at a page found. `fix`: a line to copy, when there is one. */
export interface SiteCheck {
  name: "certificate" | "host" | "page" | "policy" | "snippet";
  state: "bad" | "good" | "warning";
  text: string;
  fix: string | null;
}

/** What the widget takes from an owner. What is left out is the chat's own default. */
export interface SiteConfig {
  title?: string;
  subtitle?: string;
  greeting?: string;
  primaryColor?: string;
  position?: "left" | "right";
  theme?: "auto" | "dark" | "light";
  chips?: string[];
  launcherLabel?: string;
  placeholder?: string;
  hideLauncher?: boolean;
}

/** A stored step. `startedBy`: the epoch of its socket; `url`: where a navigate or a click leads. */
export interface Step {
  id: string;
  action: "click" | "navigate" | "scroll_to" | "select" | "type" | "wait";
  expectUrl: string;
  status: "done" | "failed" | "pending" | "started";
  elementId?: string;
  target?: Target;
  url?: string;
  inputData?: string;
  waitDuration?: number;
  description?: string;
  startedBy?: number;
  error?: string;
  guarded?: boolean;
  expect?: Expect;
}

/** `target` is an element's name, or `{role, name, label, selector}`. The `value` of a wait is a duration. */
export interface StepEntry {
  action: "click" | "navigate" | "scroll_to" | "select" | "type" | "wait";
  target: string | Target | null;
  url: string | null;
  value: string | number | number | null;
  description: string;
  expect: ExpectEntry | null;
}

/** Which element, by what a person would call it; `selector` is the last resort. */
export interface Target {
  role?: string;
  name?: string;
  label?: string;
  selector?: string;
}

/** A stored task. `progressBy`: the deadline of the current step or answer. `plans`: fingerprints of the chain's plans so far. `page`: the page instance that runs the steps, once it has started one. */
export interface Task {
  taskId: string;
  status: "aborted" | "done" | "held" | "running";
  steps: Step[];
  cursor: number;
  progressBy: number;
  heldUntil?: number;
  question?: TaskQuestion;
  ending?: Ending;
  reason?: "cancelled" | "failed" | "reload" | "timeout";
  say?: string;
  done?: string;
  data?: Record<string, unknown>;
  followUp?: boolean;
  plans?: string[];
  page?: string;
}

export interface TaskCounts {
  done: number;
  resumed: number;
  aborted: number;
}

/** The open question to the visitor. */
export interface TaskQuestion {
  kind: "consent" | "gate" | "missing" | "repeat";
  actionId: string;
  message: string;
  confirmLabel: string;
  cancelLabel: string;
}

export interface TopQuestion {
  text: string;
  count: number;
}

/** A conversation with a page of its messages. `more`: further messages follow. */
export interface Transcript {
  conversationId: string;
  startedAt: number;
  lastActivity: number;
  visitorId: string | null;
  live: boolean;
  person: PersonRow | null;
  messages: Message[];
  more: boolean;
  context: unknown | null;
  tasks: Task[];
  continues: string | null;
  continuedBy: string | null;
}

/** A host, and how many visitors (by address, up to 300 a process and start) it has had. */
export interface TurnedAwayHost {
  host: string;
  visitors: number;
  firstSeen: number;
  lastSeen: number;
}

export interface Unanswered {
  questions: UnansweredQuestion[];
}

/** Questions with the same words that were not answered: the newest, and the conversation that it is in. */
export interface UnansweredQuestion {
  question: string;
  count: number;
  lastAsked: number;
  conversationId: string;
}

/** A webhook as its owner sees it. `secret`: only in the answer to the call that made it. */
export interface Webhook {
  id: string;
  url: string;
  events: string[];
  enabled: boolean;
  stopped: string | null;
  secret: string | null;
}

/** All the webhooks of a site. */
export interface Webhooks {
  endpoints: Webhook[];
  version: number;
}
