// The types of `window.LeFlux`, for pages that are written in TypeScript.

/** A message of the conversation. `seq` counts 1, 2, 3 … within a session; `ts` is ms since the epoch. */
export interface LeFluxMessage {
  id: string;
  seq: number;
  role: "visitor" | "assistant" | "system";
  text: string;
  ts: number;
  clientMessageId?: string;
  kind?: "question" | "task" | "aborted" | "notice" | "error";
  data?: unknown;
}

export interface LeFluxState {
  /** Null before the first session, and after the conversation was cleared or the server has let it go. */
  sessionId: string | null;
  open: boolean;
  docked: boolean;
  /** Open and docked. */
  expanded: boolean;
  /** A reply is awaited. */
  typing: boolean;
  /** Another tab took over a moment ago. */
  readOnly: boolean;
  /** What the visitor is told about the connection or the storage. */
  notice: string | null;
  unread: number;
  /** Messages that the server has not acknowledged yet. */
  waiting: number;
  /** This tab's socket has joined the session. */
  connected: boolean;
  /** The newest message that is known here. */
  seq: number;
}

export interface LeFluxEvents {
  ready: null;
  open: null;
  close: null;
  expand: null;
  collapse: null;
  /** Stored: what the visitor said. */
  message: LeFluxMessage;
  /** Stored: what the assistant or the system said. */
  reply: LeFluxMessage;
  "typing-start": null;
  "typing-end": null;
  "state-change": LeFluxState;
  action: unknown;
  navigating: { url: string };
  task_complete: { taskId: string; success: boolean; summary?: string; reason?: string; message?: LeFluxMessage };
  error: { error: string };
  "taken-over": null;
  restored: { how: "full" | "cached" | "new" };
  cleared: null;
  destroy: null;
}

export type LeFluxEvent = keyof LeFluxEvents;

export interface LeFluxApi {
  open(): void;
  close(): void;
  toggle(): void;
  /** Say `text` for the visitor. Returns its `clientMessageId`, or null when it was not taken (empty, too long, read-only). */
  send(text: string): string | null;
  /** Open the panel, say `text`, and wait for the reply. Rejects when it is not taken or the conversation is cleared. */
  ask(text: string): Promise<LeFluxMessage>;
  /** What is known of the visitor, such as name, email, phone; kept in this browser only. An empty value removes it. */
  setVisitorData(data: Record<string, string>): void;
  dock(): void;
  undock(): void;
  /** Forget the conversation in this browser. The next message starts a fresh session. */
  clearConversation(): void;
  showLauncher(visible?: boolean): void;
  /** The page has changed in a way that the widget cannot see: look at it again. */
  reindex(): void;
  /** Take the widget off the page. The conversation stays. */
  destroy(): void;
  isReady(): boolean;
  isOpen(): boolean;
  isExpanded(): boolean;
  getSessionId(): string | null;
  getState(): LeFluxState;
  on<Name extends LeFluxEvent>(name: Name, handler: (detail: LeFluxEvents[Name]) => void): void;
  off<Name extends LeFluxEvent>(name: Name, handler: (detail: LeFluxEvents[Name]) => void): void;
}

declare global {
  interface Window {
    /** There once `leflux:ready` has been dispatched. */
    LeFlux?: LeFluxApi;
  }
}
