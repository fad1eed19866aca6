// The records of the conversation in the browser's storage. Each record is validated when it is read.

import { isMessage } from "./protocol.js";
import { Records } from "./records.js";
import { siteConfig } from "./site-config.js";
import type { Message, SiteConfig } from "./types.js";

export const KEYS = {
  sessionId: "leflux:sessionId",
  session: "leflux:session",
  history: "leflux:history",
  widget: "leflux:widget",
  outbox: "leflux:outbox",
  userData: "leflux:userData",
  draft: "leflux:draft",
  transport: "leflux:transport",
  removed: "leflux:removed",
  erasing: "leflux:erasing",
} as const;

/** Key prefix of a message that waits to be sent. */
const WAITING = `${KEYS.outbox}:`;
const HISTORY_MAX = 1_000;
const HISTORY_MIN = 15;

export interface SessionMeta {
  createdAt: number;
  /** In ms, by this browser's clock. */
  lastActivity: number;
  seq: number;
  /** The site's settings, from the server's last answer. */
  clientTtlMs?: number;
  userDataTtlMs?: number;
  readOnlyMs?: number;
  messageChars?: number;
  /** How far the server's clock is ahead. */
  clockOffset?: number;
  /** The previous session, after the server evicted it. */
  continues?: string;
  /** The key of the marks in addresses. */
  key?: string;
  /** The sessions before this one of the same conversation. */
  earlier?: string[];
}

export interface Pending {
  clientMessageId: string;
  text: string;
  ts: number;
  failed?: string;
  /** Position in the order of typing, independent of the clock. */
  n?: number;
}

/** A conversation that the visitor has cleared or erased. */
export interface Removed {
  how: "clear" | "forget";
  sessionId: string | null;
  at: number;
}

export interface History {
  messages: Message[];
  /** Messages of evicted sessions, for display only. */
  past: Message[];
}

/** Messages are not validated here; `Transcript` validates them. */
export type KeptHistory = Pick<History, "past"> & { messages: readonly Partial<Message>[] };

export interface WidgetState {
  open: boolean;
  docked: boolean;
  /** Messages up to this `seq` have been read. */
  seen: number;
  /** The site's appearance, cached for the first paint. */
  config: SiteConfig;
}

export class BrowserStore extends Records {
  private text: string | null = null;
  private parsed: KeptHistory = { messages: [], past: [] };

  sessionId(): string | null {
    const id = this.get(KEYS.sessionId);
    return isSessionId(id) ? id : null;
  }

  session(): SessionMeta | null {
    const value = this.read(KEYS.session);
    const isNumber = (name: string): boolean => Number.isFinite(value?.[name]);
    if (value === null || !["createdAt", "lastActivity", "seq"].every(isNumber)) return null;
    for (const name of ["clientTtlMs", "userDataTtlMs", "readOnlyMs", "messageChars", "clockOffset"]) if (!isNumber(name)) delete value[name];
    if (!isText(value["key"])) delete value["key"];
    if (!isIds(value["earlier"])) delete value["earlier"];
    if (!isSessionId(value["continues"])) delete value["continues"];
    return value as unknown as SessionMeta;
  }

  /** `id` is null when the server has evicted the session. Returns false when the browser could not store it. */
  saveSession(id: string | null, meta: SessionMeta): boolean {
    if (id === null) this.drop(KEYS.sessionId);
    const kept = id === null || this.set(KEYS.sessionId, id);
    return this.write(KEYS.session, meta) && kept;
  }

  /** True when the storage holds no conversation: it was never stored, or was cleared. */
  isEmpty(): boolean {
    return [KEYS.sessionId, KEYS.session, KEYS.history].every((key) => this.get(key) === null);
  }

  /** Read often: the record is parsed again only when its text has changed. */
  history(): KeptHistory {
    const text = this.get(KEYS.history);
    if (text !== this.text) {
      const value = this.read(KEYS.history);
      const list = (part: unknown): unknown[] => (Array.isArray(part) ? part : []);
      this.text = text;
      this.parsed = { messages: list(value?.["messages"]) as Message[], past: list(value?.["past"]).filter(isMessage) };
    }
    return this.parsed;
  }

  /** Stores the newest messages that fit, and drops the oldest. */
  saveHistory(history: History): void {
    for (let keep = HISTORY_MAX; keep >= HISTORY_MIN; keep = Math.floor(keep / 2)) {
      const messages = history.messages.slice(-keep);
      const room = keep - messages.length;
      const past = room > 0 ? history.past.slice(-room) : [];
      if (this.write(KEYS.history, { messages, past })) return;
    }
    this.drop(KEYS.history);
  }

  /** Messages that wait to be sent, in the order of typing. */
  outbox(): Pending[] {
    const list = this.read(KEYS.outbox);
    const listed = list?.["copy"] === true ? null : list?.["messages"];
    const single = this.waiting().map((key) => this.read(key) as unknown as Pending | null);
    return [...(Array.isArray(listed) ? listed : []), ...single]
      .filter((entry: Pending | null) => isText(entry?.clientMessageId) && isText(entry?.text) && Number.isFinite(entry?.ts))
      .sort((a, b) => (a.n ?? 0) - (b.n ?? 0) || a.ts - b.ts);
  }

  /**
   * Stores each message in its own record: two tabs that write one list at the same time would overwrite each other.
   * The list under `leflux:outbox` is a copy for readers. A full storage drops the history first, because the server can
   * restore it. Returns the ids of messages that could not be stored.
   */
  saveOutbox(messages: Pending[]): string[] {
    const gone = new Set(this.waiting());
    let last = 0;
    const lost = messages.filter((message) => {
      const key = WAITING + message.clientMessageId;
      gone.delete(key);
      last = message.n ??= last + 1;
      if (this.write(key, message)) return false;
      this.drop(KEYS.history);
      return !this.write(key, message);
    });
    for (const key of gone) this.drop(key);
    if (messages.length === 0) this.drop(KEYS.outbox);
    else this.write(KEYS.outbox, { copy: true, messages });
    return lost.map(({ clientMessageId }) => clientMessageId);
  }

  private waiting(): string[] {
    return this.keys().filter((key) => key.startsWith(WAITING));
  }

  widget(): WidgetState {
    const value = this.read(KEYS.widget);
    const [seen, config] = [value?.["seen"], value?.["config"]];
    return {
      open: value?.["open"] === true,
      docked: value?.["docked"] === true,
      seen: Number.isFinite(seen) ? (seen as number) : 0,
      config: siteConfig(config),
    };
  }

  saveWidget(state: WidgetState): void {
    this.write(KEYS.widget, state);
  }

  userData(now: number): Record<string, string> {
    const value = this.read(KEYS.userData);
    if (value === null) return {};
    if (!(Number(value["expiresAt"]) > now)) {
      this.drop(KEYS.userData);
      return {};
    }
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  }

  saveUserData(data: Record<string, string>, expiresAt: number): void {
    this.write(KEYS.userData, { ...data, expiresAt });
  }

  /** Limits the lifetime of stored user data to `expiresAt`, after the site has shortened it. */
  shortenUserData(expiresAt: number): void {
    const value = this.read(KEYS.userData);
    if (value !== null && Number(value["expiresAt"]) > expiresAt) this.write(KEYS.userData, { ...value, expiresAt });
  }

  /** Text in the input that is not sent yet. */
  draft(): string {
    const text = this.read(KEYS.draft)?.["text"];
    return typeof text === "string" ? text : "";
  }

  saveDraft(text: string): void {
    if (text === "") this.drop(KEYS.draft);
    else this.write(KEYS.draft, { text });
  }

  /** WebSockets do not work here until this time, as seen by this browser's clock. */
  pollingUntil(): number {
    return Number(this.read(KEYS.transport)?.["pollingUntil"]) || 0;
  }

  savePollingUntil(pollingUntil: number): void {
    this.write(KEYS.transport, { pollingUntil });
  }

  removed(): Removed | null {
    const value = this.read(KEYS.removed) as Removed | null;
    const isOne = value !== null && /^(clear|forget)$/.test(value.how) && Number.isFinite(value.at);
    return isOne && (value.sessionId === null || isSessionId(value.sessionId)) ? value : null;
  }

  saveRemoved(removed: Removed | null): void {
    if (removed === null) this.drop(KEYS.removed);
    else this.write(KEYS.removed, removed);
  }

  /** The sessions that the visitor has erased, and of which the server has not said yet that they are gone. */
  erasing(): string[] {
    const ids = this.read(KEYS.erasing)?.["ids"];
    return isIds(ids) ? ids : [];
  }

  saveErasing(ids: readonly string[]): void {
    if (ids.length === 0) this.drop(KEYS.erasing);
    else this.write(KEYS.erasing, { ids });
  }

  /** Deletes the conversation, and with `everything` also the visitor's data. */
  forget(everything: boolean): void {
    for (const key of [KEYS.session, KEYS.sessionId, KEYS.history, KEYS.outbox, KEYS.draft, ...this.waiting()]) this.drop(key);
    if (everything) this.drop(KEYS.userData);
  }

  /** Deletes the session and its history, but not the draft or the outbox. */
  forgetSession(): void {
    for (const key of [KEYS.session, KEYS.sessionId, KEYS.history]) this.drop(key);
  }

  dropWidget(): void {
    this.drop(KEYS.widget);
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isIds(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isSessionId);
}

export function isSessionId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f-]{36}$/.test(value);
}
