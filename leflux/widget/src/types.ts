// Types that the session side and the view share. The session side owns the state, the view owns the DOM:
// `View.render` is given the whole state each time and draws the difference.

import type { SiteConfig as Appearance, Message, MessageKind, Role } from "./protocol-types.js";

export type { Message, MessageKind, Role };

/** When the page is described to the server, and the query values that its address keeps. */
export interface PageRules {
  read?: "message" | "view" | "never";
  query?: string[];
}

/** The description of the page as JSON. `isSent`: it has been sent; otherwise it goes with the next message. */
export interface Known {
  isSent: boolean;
  text: string;
}

export type SiteConfig = Appearance & { context?: PageRules };

export type SendStatus = "sending" | "sent" | "failed";

/** One bubble on the screen. `key` stays the same from the outbox to the stored message (its clientMessageId). */
export interface ShownMessage {
  key: string;
  id: string | null;
  seq: number | null;
  role: Role;
  text: string;
  ts: number;
  kind?: MessageKind;
  data?: unknown;
  status: SendStatus;
  /** A reply that is still being streamed. */
  streaming?: boolean;
  /** Belongs to an earlier session that the server has evicted. */
  past?: boolean;
}

export type NoticeKind =
  | "reconnecting"
  | "offline"
  | "taken-over"
  | "storage-blocked"
  | "storage-full"
  | "too-long"
  | "rate-limited"
  | "history-lost"
  | "unavailable"
  | "left"
  | "refused";

export interface TaskProgress {
  taskId: string;
  done: number;
  total: number;
  description: string;
  status: "running" | "held";
}

export interface Confirmation {
  taskId: string;
  actionId: string;
  message: string;
  confirmLabel: string;
  cancelLabel: string;
  kind?: "gate" | "repeat" | "missing" | "consent" | undefined;
}

export interface ViewState {
  open: boolean;
  docked: boolean;
  expanded: boolean;
  launcherVisible: boolean;
  /** In display order, oldest first. */
  messages: readonly ShownMessage[];
  /** A reply is awaited and no chunk has arrived yet. */
  typing: boolean;
  /** A reply is awaited or being written. */
  writing: boolean;
  notice: NoticeKind | null;
  /** The name of the person of the site who has the conversation. */
  person: string | null;
  readOnly: boolean;
  unread: number;
  config: SiteConfig;
  /** BCP 47; chosen from `data-locale`, the page or the browser. */
  locale: string;
  maxChars: number;
  /** How far the server's clock, which dates the messages, is ahead of the browser's. */
  clockOffset: number;
  task: TaskProgress | null;
  confirmation: Confirmation | null;
  /** The conversation was cleared or erased, which can be undone. */
  removal: "clear" | "forget" | null;
}

/** The visitor's actions. The view never changes state by itself. */
export interface ViewActions {
  open(): void;
  close(): void;
  dock(): void;
  undock(): void;
  /** Returns false when the text was not accepted. The message is stored when it returns true. */
  send(text: string): boolean;
  retry(key: string): void;
  discard(key: string): void;
  clear(): void;
  /** Erases the conversation on the server too. */
  forget(): void;
  /** What the server knows of this page, or will know with the next message. Null: nothing. */
  pageKnown(): Promise<Known | null>;
  /** Ends the reply that is being written. */
  stop(): void;
  /** Brings back what was cleared or erased just now. */
  undo(): void;
  /** Asks the visitor's last question again. */
  askAgain(): void;
  confirm(yes: boolean): void;
  cancelTask(): void;
  /** The visitor used the keyboard or a pointer inside the panel. */
  used(): void;
}

export interface View {
  render(state: ViewState): void;
  focusInput(): void;
  /** The text in the input. It is restored after a reload. */
  draft(): string;
  setDraft(text: string): void;
  destroy(): void;
}

/** Mounts `<leflux-widget>` with an open shadow root at the end of `body`. */
export type CreateView = (document: Document, actions: ViewActions) => View;
