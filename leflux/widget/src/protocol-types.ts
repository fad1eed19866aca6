// Generated from the server's structs by `python -m tests.house.typescript`. Do not edit.

export type Role = "visitor" | "assistant" | "system";

export type MessageKind = "question" | "task" | "aborted" | "notice" | "error" | "person";

export interface ActionComplete {
  sessionId: string;
  actionId: string;
  result: ActionResult;
  taskId?: string;
}

/** The result of a step. `error` `element_missing`, `covered`, `ambiguous`, `consent_needed`, `invalid_form` and `interrupted` make the server ask the visitor; any other error ends the task. `description`: what the error is about. `url`: the page that the visitor is on now. `fields`: those of an `invalid_form`. `status`: the HTTP status of a `page_failed`. `seen`: what the page shows. */
export interface ActionResult {
  success: boolean;
  elementId?: string;
  description?: string;
  error?: string;
  url?: string;
  fields?: FieldProblem[];
  status?: number;
  seen?: Seen;
}

export interface ActionStarted {
  sessionId: string;
  taskId: string;
  actionId: string;
}

export interface ChatRequest {
  sessionId: string;
  clientMessageId: string;
  message: string;
  context?: Record<string, unknown>;
}

/** `text` and `data` as in `Sent`. */
export interface Chatted {
  messageId: string;
  seq: number;
  status: "processing";
  sessionId?: string;
  text?: string;
  data?: HiddenSecrets;
}

/** The next piece of a reply that is being written. A client draws each `(streamId, chunkIndex)` once. */
export interface Chunk {
  streamId: string;
  chunkIndex: number;
  delta: string;
}

export interface ClientEvents {
  join_session: JoinSession;
  send_message: SendMessage;
  update_context: UpdateContext;
  visibility: Visibility;
  stop_reply: StopReply;
  typing: Typing;
  action_started: ActionStarted;
  action_complete: ActionComplete;
  sequence_complete: SequenceComplete;
  continue_task: ContinueTask;
  confirmation_response: ConfirmationResponse;
}

/** A question to the visitor. */
export interface ConfirmationRequired {
  taskId: string;
  actionId: string;
  message: string;
  confirm_label: string;
  cancel_label: string;
  kind: "consent" | "gate" | "missing" | "repeat";
}

/** `actionId` names the answered question. A late answer to an older question is then refused. */
export interface ConfirmationResponse {
  sessionId: string;
  confirmed: boolean;
  actionId?: string;
}

export interface ContinueTask {
  sessionId: string;
  context: Record<string, unknown>;
}

/** `pending` names the stores that have yet to confirm the deletion, which they will. */
export interface DeleteAnswer {
  deleted: DeletedCounts;
  pending?: string[];
  success: boolean;
}

export interface DeletedCounts {
  sessions: number;
  messages: number;
  logged: number;
  tasks: number;
}

/** The decided end of a task, kept until its message is stored. `closesTurn`: the `seq` of the question that it answers. */
export interface Ending {
  status: "aborted" | "done";
  text: string;
  reason?: "cancelled" | "failed" | "reload" | "timeout";
  closesTurn?: number;
  followUp?: boolean;
}

/** What must be true of the page after a step: its address, a text that it shows, an element that it has, one that is gone. `within`: milliseconds that the page has for it. */
export interface Expect {
  url?: string;
  text?: string;
  element?: Target;
  gone?: Target;
  within?: number;
}

/** A field that a form does not accept, and what the browser or the page says about it. */
export interface FieldProblem {
  name: string;
  message?: string;
}

/** The `data` of a visitor's message of which something was hidden. */
export interface HiddenSecrets {
  hidden: string[];
}

export interface InitAnswer {
  sessionId: string;
  createdAt: number;
  seq: number;
  history: Message[];
  siteConfig: SiteConfig;
  retention: Retention;
  messageLog: boolean;
  limits: Limits;
}

export interface InitRequest {
  websiteUrl: string;
  visitorId?: string;
  continues?: string;
  priorHistory?: PriorMessage[];
}

/** `page` names the instance of the page: a join by the same one is a reconnect, never a reload. `journal`: what the tab has written down about the step of a task. */
export interface JoinSession {
  sessionId: string;
  url?: string;
  since?: number;
  page?: string;
  journal?: TaskJournal;
}

/** The payload of `session_joined`, and the acknowledgement of `join_session`. */
export interface Joined {
  sessionId: string;
  restored: boolean;
  seq: number;
  history: Message[];
  truncated: boolean;
  task: Task | null;
  streams: Stream[];
  epoch: number;
  person: PersonShown | null;
  ok: boolean;
}

/** The limits that a client checks before it sends. `messageChars` counts code points. */
export interface Limits {
  messageChars: number;
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

export interface MessagePage {
  messages: Message[];
  more: boolean;
}

/** Somebody of the site who has the conversation, as the visitor sees them. */
export interface PersonShown {
  name: string;
}

/** The steps that are not done yet. `resumed`: the page was away meanwhile. */
export interface Plan {
  taskId: string;
  actions: Step[];
  hosts: string[];
  message?: string;
  resumed?: boolean;
  isSequence: true;
}

/** Somebody of the site has taken the conversation, types, or has left it. */
export interface Presence {
  person: PersonShown | null;
  typing: boolean;
}

/** A message as a browser remembers it: untrusted, context for the agent only. */
export interface PriorMessage {
  role: Role;
  text: string;
}

/** An error, as the body of an answer, an acknowledgement or the event `error`. */
export interface Refusal {
  error: string;
  message: string;
  details?: { path?: string; retryAfterMs?: number };
}

/** `since`: what `history` comes after: the request's, or 0 when its `check` did not fit. */
export interface RestoreAnswer {
  sessionId: string;
  restored: boolean;
  createdAt: number;
  lastActivity: number;
  seq: number;
  truncated: boolean;
  task: Task | null;
  streams: Stream[];
  person: PersonShown | null;
  siteConfig: SiteConfig;
  retention: Retention;
  messageLog: boolean;
  limits: Limits;
  history: Message[];
  since: number;
}

/** `check`: what `history_check` says of the messages `first` to `since`, which the browser has. Where the store has others, everything is sent. */
export interface RestoreRequest {
  url?: string;
  since?: number;
  first?: number;
  check?: number;
}

/** How long the client keeps what, and how long the server waits. */
export interface Retention {
  clientTtlMs: number;
  userDataTtlMs: number;
  idleTtlMs: number;
  taskHoldMs: number;
  readOnlyMs: number;
}

/** What a page shows: its title, its first heading, and the text of its status and alert elements. */
export interface Seen {
  title?: string;
  heading?: string;
  status?: string;
  alert?: string;
}

export interface SendMessage {
  sessionId: string;
  clientMessageId: string;
  text: string;
  context?: Record<string, unknown>;
}

export interface SequenceComplete {
  sessionId: string;
  result: SequenceResult;
  taskId?: string;
}

/** The result of all steps. `error` `cancelled` with `success` false: the visitor cancelled. `seen`: what the page shows at the end. */
export interface SequenceResult {
  success: boolean;
  results?: unknown[];
  error?: string;
  seen?: Seen;
}

export interface ServerEvents {
  session_joined: Joined;
  message: Message;
  message_chunk: Chunk;
  message_done: StreamDone;
  action_plan: Plan;
  confirmation_required: ConfirmationRequired;
  task_complete: TaskEnd;
  task_aborted: TaskEnd;
  session_taken_over: TakenOver;
  session_expired: SessionEnded;
  session_deleted: SessionEnded;
  history_lost: SessionEnded;
  presence: Presence;
  error: Refusal;
}

/** The session has expired or was deleted. */
export interface SessionEnded {
  sessionId: string;
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

export interface StopReply {
  sessionId: string;
}

/** A reply that is still being written: the text so far and the index of the next chunk. */
export interface Stream {
  streamId: string;
  text: string;
  nextChunk: number;
}

/** The stored message that a stream has become. */
export interface StreamDone {
  streamId: string;
  message: Message;
}

/** Another socket has joined the session; this one has left it. */
export interface TakenOver {
  sessionId: string;
  readOnlyMs: number;
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

/** The end of a task with the message that tells it. `summary` comes when it is done, `reason` when it is not. */
export interface TaskEnd {
  taskId: string;
  message: Message;
  summary?: string;
  reason?: "cancelled" | "failed" | "reload" | "timeout";
}

/** What a tab has written down about a task: the step `actionId` that its page instance `page` ran last. */
export interface TaskJournal {
  taskId: string;
  page: string;
  left?: boolean;
  stopped?: boolean;
  actionId?: string;
  state?: "arrived" | "begun" | "dispatched" | "done" | "undone";
  result?: ActionResult;
}

/** The open question to the visitor. */
export interface TaskQuestion {
  kind: "consent" | "gate" | "missing" | "repeat";
  actionId: string;
  message: string;
  confirmLabel: string;
  cancelLabel: string;
}

/** The visitor types, or has stopped; never what. */
export interface Typing {
  sessionId: string;
  typing: boolean;
}

export interface UpdateContext {
  sessionId: string;
  context: Record<string, unknown>;
}

export interface Visibility {
  sessionId: string;
  visible: boolean;
}
