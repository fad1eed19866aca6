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
  /** Null before the first session, after the conversation was cleared, and after the server has evicted the session. */
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
  /** The `seq` of the newest message in this tab. */
  seq: number;
}

export interface LeFluxEvents {
  ready: null;
  open: null;
  close: null;
  expand: null;
  collapse: null;
  /** A message of the visitor has been stored. */
  message: LeFluxMessage;
  /** A message of the assistant or the system has been stored. */
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
  /** `focus`: also focuses the input. Without it, the page keeps the focus. */
  open(options?: { focus?: boolean }): void;
  close(): void;
  toggle(): void;
  /** Sends `text` as the visitor. Returns its `clientMessageId`, or null when it is not accepted (empty, too long, read-only). */
  send(text: string): string | null;
  /** Ends the reply that is being written. What was shown of it is kept. */
  stop(): void;
  /** Opens the panel, sends `text` and waits for the reply. Rejects when the text is not accepted or the conversation is cleared. */
  ask(text: string): Promise<LeFluxMessage>;
  /** Sets data of the visitor, such as name, email, phone, stored in this browser only. An empty value removes its name. */
  setVisitorData(data: Record<string, string>): void;
  dock(): void;
  undock(): void;
  /** Deletes the conversation and the visitor's data in this browser. The next message starts a new session. */
  clearConversation(): void;
  showLauncher(visible?: boolean): void;
  /** Describes the page to the server again, after a change that the widget cannot observe. */
  reindex(): void;
  /** Removes the widget from the page. The conversation stays. */
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
    /** Available once `leflux:ready` has been dispatched. */
    LeFlux?: LeFluxApi;
  }
}
