// The interfaces between the reader of the page, which is there from the start, and the part that it loads.

import type { ChatEvent } from "./events.js";
import type { Ack } from "./protocol.js";
import type { Known } from "./types.js";

/** What reading a page needs of the chat. */
export interface ReaderHost {
  readonly conversation: { readonly key: string };
  readonly progress: { readonly task: object | null; readonly given: readonly string[] };
  readonly sync: { readonly isJoined: boolean; ask(event: string, payload: object): Promise<Ack<object> | null> };
  readonly visitor: { readonly data: Record<string, string> };
  on(listener: (event: ChatEvent) => void): unknown;
}

/** What the server may know at the moment. */
export interface Permission {
  /** The page must not be described. */
  readonly isForbidden: boolean;
  /** Changes of the page are sent as they happen. */
  readonly isFollowed: boolean;
  /** The language of the chat. */
  readonly lang: string;
  /** `href` as the server may know it. */
  address(href: string): string;
}

/** `PageInspector` */
export interface Describer {
  /** Sends the description if it has changed. */
  send(event?: string): Promise<void>;
  /** Sends the next description even if nothing has changed. */
  resend(): void;
  /** The server may not have the last description any more. */
  forget(): void;
  /** The element that a description has named so. */
  element(id: string): HTMLElement | null;
  known(): Known;
  /** A report about a step, with what the server may know of it. */
  told<T extends object>(report: T): T;
  stop(): void;
}

export interface PagePart {
  PageInspector: new (page: Document, chat: ReaderHost, permission: Permission) => Describer;
}
