// The interface of the chat towards its parts.

import type { ChatEvent } from "./events.js";
import type { Task } from "./protocol.js";
import type { Message } from "./types.js";

/** What `ServerSync` and `Bootstrap` need of the chat. */
export interface ChatHost {
  readonly isLeader: boolean;
  /** The visitor used this tab recently. */
  readonly isInUse: boolean;
  /** Messages wait to be sent. */
  readonly hasWaiting: boolean;
  /** The page, as far as the server may know it. */
  readonly page: { readonly url: string | undefined; address(href: string): string; before(): Promise<void> };
  /** `state` takes over the server's state of the task. */
  readonly tasks: { state(task: Task | null): void };
  emit(event: ChatEvent): void;
  changed(): void;
  flush(): void;
  /** New messages have been added to the transcript. */
  messagesAdded(fresh: readonly Message[]): void;
  /** The conversation has been stored. */
  saved(): void;
  /** Loads what other tabs have stored. Returns true when the session has changed. */
  reload(): boolean;
  /** Checks whether the storage was cleared or is too old. If so, resets this tab and returns true. */
  checkStorage(): boolean;
  /** The server has erased the session. */
  deleted(sessionId: string | null): void;
  /** Another tab is the leader now. */
  lost(readOnlyMs?: number): void;
}
