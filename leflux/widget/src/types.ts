// What the parts of the widget agree on. The session side owns the state, the view owns the DOM:
// `View.render` is given the whole state each time and draws the difference.

export type Role = "visitor" | "assistant" | "system";
export type MessageKind = "question" | "task" | "aborted" | "notice" | "error";

/** A stored message, as on the wire. `seq` counts 1, 2, 3 … within a session; `ts` is ms since the epoch. */
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
  /** A reply that is still being written. */
  streaming?: boolean;
  /** Belongs to an earlier session that the server has let go. */
  past?: boolean;
}

export type NoticeKind =
  | "connecting"
  | "reconnecting"
  | "offline"
  | "taken-over"
  | "storage-blocked"
  | "storage-full"
  | "too-long"
  | "rate-limited"
  | "unavailable"
  | "refused";

/** What the site's owner may set under `sites[].config`. Everything is optional; unknown keys are ignored. */
export interface SiteConfig {
  title?: string;
  subtitle?: string;
  greeting?: string;
  primaryColor?: string;
  position?: "right" | "left";
  theme?: "auto" | "light" | "dark";
  chips?: string[];
  launcherLabel?: string;
  placeholder?: string;
  hideLauncher?: boolean;
}

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
  kind?: "gate" | "repeat" | "missing" | undefined;
}

export interface ViewState {
  open: boolean;
  docked: boolean;
  expanded: boolean;
  launcherVisible: boolean;
  /** In the order to be shown, oldest first. */
  messages: readonly ShownMessage[];
  /** The agent is thinking and no chunk has come yet. */
  typing: boolean;
  notice: NoticeKind | null;
  readOnly: boolean;
  unread: number;
  config: SiteConfig;
  /** BCP 47; chosen from `data-locale`, the page or the browser. */
  locale: string;
  maxChars: number;
  task: TaskProgress | null;
  confirmation: Confirmation | null;
}

/** What the visitor does. The view never changes state by itself. */
export interface ViewActions {
  open(): void;
  close(): void;
  dock(): void;
  undock(): void;
  send(text: string): void;
  retry(key: string): void;
  discard(key: string): void;
  clear(): void;
  /** "Forget this conversation": erase it on the server too. */
  forget(): void;
  confirm(yes: boolean): void;
  cancelTask(): void;
  /** A key was pressed or a pointer used inside the panel. */
  used(): void;
}

export interface View {
  render(state: ViewState): void;
  focusInput(): void;
  /** Text that is typed and not sent; restored after a reload. */
  draft(): string;
  setDraft(text: string): void;
  destroy(): void;
}

/** Mounts `<leflux-widget>` with an open shadow root at the end of `body`. */
export type CreateView = (document: Document, actions: ViewActions) => View;
