// What the browser keeps of the conversation, record by record; each is checked when it is read.

import { Records } from "./records.js";
import type { Message, SiteConfig } from "./types.js";
import { isMessage } from "./wire.js";

export const KEYS = {
  sessionId: "leflux:sessionId",
  session: "leflux:session",
  history: "leflux:history",
  widget: "leflux:widget",
  outbox: "leflux:outbox",
  userData: "leflux:userData",
  draft: "leflux:draft",
} as const;

/** Before the id of a message that waits. */
const WAITING = `${KEYS.outbox}:`;
const HISTORY_MAX = 1_000;
const HISTORY_MIN = 15;

export interface SessionMeta {
  createdAt: number;
  /** By this browser's clock. */
  lastActivity: number;
  seq: number;
  /** The site's rules, as the server last told them. */
  clientTtlMs?: number;
  userDataTtlMs?: number;
  readOnlyMs?: number;
  /** The session that this browser saw last, once the server has let it go. */
  continues?: string;
}

export interface Pending {
  clientMessageId: string;
  text: string;
  ts: number;
  failed?: string;
  /** Its place in the order of typing, by which clocks are not asked. */
  n?: number;
}

export interface History {
  messages: Message[];
  /** Messages of earlier sessions that the server has let go; only to look at. */
  past: Message[];
}

/** The transcript checks what it takes in by itself. */
export type KeptHistory = Pick<History, "past"> & { messages: readonly Partial<Message>[] };

export interface WidgetState {
  open: boolean;
  docked: boolean;
  /** What was said up to this `seq` has been in sight. */
  seen: number;
  /** The site's looks, so that the first paint is the right one. */
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
    for (const name of ["clientTtlMs", "userDataTtlMs", "readOnlyMs"]) if (!isNumber(name)) delete value[name];
    if (!isSessionId(value["continues"])) delete value["continues"];
    return value as unknown as SessionMeta;
  }

  /** `id` is null when the server has let the session go. False: it could not be kept. */
  saveSession(id: string | null, meta: SessionMeta): boolean {
    if (id === null) this.drop(KEYS.sessionId);
    const kept = id === null || this.set(KEYS.sessionId, id);
    return this.write(KEYS.session, meta) && kept;
  }

  /** Nothing of a conversation is there: it was never kept, or somebody has cleared it. */
  isEmpty(): boolean {
    return [KEYS.sessionId, KEYS.session, KEYS.history].every((key) => this.get(key) === null);
  }

  /** Read often, and long: what has not changed is not parsed again. */
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

  /** Keeps the newest messages that fit; the oldest go first. */
  saveHistory(history: History): void {
    for (let keep = HISTORY_MAX; keep >= HISTORY_MIN; keep = Math.floor(keep / 2)) {
      const messages = history.messages.slice(-keep);
      const room = keep - messages.length;
      const past = room > 0 ? history.past.slice(-room) : [];
      if (this.write(KEYS.history, { messages, past })) return;
    }
    this.drop(KEYS.history);
  }

  /** What waits to be sent, in the order of typing. */
  outbox(): Pending[] {
    const list = this.read(KEYS.outbox);
    const listed = list?.["copy"] === true ? null : list?.["messages"];
    const single = this.waiting().map((key) => this.read(key) as unknown as Pending | null);
    return [...(Array.isArray(listed) ? listed : []), ...single]
      .filter((entry: Pending | null) => isText(entry?.clientMessageId) && isText(entry?.text) && Number.isFinite(entry?.ts))
      .sort((a, b) => (a.n ?? 0) - (b.n ?? 0) || a.ts - b.ts);
  }

  /**
   * Each message has a record of its own, for two that write one list at the same time overwrite each other, and the
   * page of one may be closed before it can look again. The list is a copy for whoever wants to see what waits.
   * Returns the ids of what could not be kept. What is typed comes before what the server could give again.
   */
  saveOutbox(messages: Pending[]): string[] {
    const gone = new Set(this.waiting());
    let last = 0;
    const lost = messages.filter((message) => {
      const key = WAITING + message.clientMessageId;
      gone.delete(key);
      last = message.n ??= last + 1;
      return !this.write(key, message) && (this.drop(KEYS.history), !this.write(key, message));
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
      config: typeof config === "object" && config !== null ? config : {},
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

  /** The site keeps user data for a shorter time now: no later than `expiresAt`. */
  shortenUserData(expiresAt: number): void {
    const value = this.read(KEYS.userData);
    if (value !== null && Number(value["expiresAt"]) > expiresAt) this.write(KEYS.userData, { ...value, expiresAt });
  }

  /** What is typed in the input and not sent. */
  draft(): string {
    const text = this.read(KEYS.draft)?.["text"];
    return typeof text === "string" ? text : "";
  }

  saveDraft(text: string): void {
    if (text === "") this.drop(KEYS.draft);
    else this.write(KEYS.draft, { text });
  }

  /** Forget the conversation; with `everything`, what the visitor told us too. */
  forget(everything: boolean): void {
    for (const key of [KEYS.session, KEYS.sessionId, KEYS.history, KEYS.outbox, KEYS.draft, ...this.waiting()]) this.drop(key);
    if (everything) this.drop(KEYS.userData);
  }

  /** Forget the session, but nothing that is being typed. */
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

function isSessionId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f-]{36}$/.test(value);
}
