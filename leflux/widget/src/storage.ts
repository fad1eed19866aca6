// What the browser keeps. Every record has a version and is checked when it is read; whatever is corrupt, of
// another version or unreadable counts as absent. When the browser keeps nothing, memory does for this page.

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

export const VERSION = 1;
const HISTORY_MAX = 1_000;
const HISTORY_MIN = 15;

export type Trouble = "storage-blocked" | "storage-full";

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
}

export interface History {
  messages: Message[];
  /** Messages of earlier sessions that the server has let go; only to look at. */
  past: Message[];
}

export interface WidgetState {
  open: boolean;
  docked: boolean;
  /** What was said up to this `seq` has been in sight. */
  seen: number;
  /** The site's looks, so that the first paint is the right one. */
  config: SiteConfig;
}

/** The part of `Storage` that is used. */
export interface Area {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Keeps things for as long as the page lives. */
export function memoryArea(): Area {
  const map = new Map<string, string>();
  return {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
}

export class BrowserStore {
  readonly persistent: boolean;
  private readonly area: Area;
  private readonly failing = new Set<string>();

  /** `open` returns localStorage, and throws where the browser forbids it. `trouble` is told what cannot be kept. */
  constructor(
    open: () => Area,
    private readonly trouble: (kind: Trouble | null) => void,
  ) {
    let area: Area | null = null;
    try {
      area = open();
      const probe = "leflux:probe";
      area.setItem(probe, probe);
      area.removeItem(probe);
    } catch (error) {
      // A full store can still be read, and may have room again later.
      if (!isQuota(error)) area = null;
    }
    this.persistent = area !== null;
    this.area = area ?? memoryArea();
    if (!this.persistent) trouble("storage-blocked");
  }

  /** Everything was kept so far. */
  get works(): boolean {
    return this.failing.size === 0;
  }

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

  history(): History {
    const value = this.read(KEYS.history);
    const list = (part: unknown): Message[] => (Array.isArray(part) ? part.filter(isMessage) : []);
    return { messages: list(value?.["messages"]), past: list(value?.["past"]) };
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

  outbox(): Pending[] {
    const messages = this.read(KEYS.outbox)?.["messages"];
    if (!Array.isArray(messages)) return [];
    return messages.filter((entry: Pending | null) => isText(entry?.clientMessageId) && isText(entry?.text) && Number.isFinite(entry?.ts));
  }

  /** What is typed and not yet acknowledged comes before what the server could give again. */
  saveOutbox(messages: Pending[]): void {
    if (messages.length === 0) {
      this.drop(KEYS.outbox);
    } else if (!this.write(KEYS.outbox, { messages })) {
      this.drop(KEYS.history);
      this.write(KEYS.outbox, { messages });
    }
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
    for (const key of [KEYS.session, KEYS.sessionId, KEYS.history, KEYS.outbox, KEYS.draft]) this.drop(key);
    if (everything) this.drop(KEYS.userData);
  }

  /** Forget the session, but nothing that is being typed. */
  forgetSession(): void {
    for (const key of [KEYS.session, KEYS.sessionId, KEYS.history]) this.drop(key);
  }

  dropWidget(): void {
    this.drop(KEYS.widget);
  }

  private read(key: string): Record<string, unknown> | null {
    const text = this.get(key);
    if (text === null) return null;
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null && (value as { v?: unknown }).v === VERSION) {
        return value as Record<string, unknown>;
      }
    } catch {
      // Falls through: what cannot be parsed is of no use to anyone.
    }
    return null;
  }

  private write(key: string, value: object): boolean {
    return this.set(key, JSON.stringify({ v: VERSION, ...value }));
  }

  private get(key: string): string | null {
    try {
      return this.area.getItem(key);
    } catch {
      return null;
    }
  }

  private set(key: string, text: string): boolean {
    try {
      this.area.setItem(key, text);
      if (this.failing.delete(key) && this.failing.size === 0) this.trouble(null);
      return true;
    } catch (error) {
      this.failing.add(key);
      this.trouble(isQuota(error) ? "storage-full" : "storage-blocked");
      return false;
    }
  }

  private drop(key: string): void {
    try {
      this.area.removeItem(key);
    } catch {
      // Nothing can be done, and nothing depends on it.
    }
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isSessionId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f-]{36}$/.test(value);
}

function isQuota(error: unknown): boolean {
  const name = (error as { name?: unknown } | null)?.name;
  return name === "QuotaExceededError" || name === "NS_ERROR_DOM_QUOTA_REACHED";
}
