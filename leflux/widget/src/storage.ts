// What the browser keeps. Every record has a version and is checked when it is read; whatever is corrupt, of
// another version or unreadable counts as absent. When the browser keeps nothing, memory does for this page.

import type { Message } from "./types.js";
import { isMessage } from "./wire.js";

export const KEYS = {
  sessionId: "leflux:sessionId",
  session: "leflux:session",
  history: "leflux:history",
  widget: "leflux:widget",
  outbox: "leflux:outbox",
  userData: "leflux:userData",
} as const;

export const VERSION = 1;
const HISTORY_MAX = 200;
const HISTORY_MIN = 20;

export type Trouble = "storage-blocked" | "storage-full";

export interface SessionMeta {
  createdAt: number;
  /** By this browser's clock. */
  lastActivity: number;
  seq: number;
  clientTtlMs: number;
  readOnlyMs: number;
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
}

interface Area {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

function memoryArea(): Area {
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

  sessionId(): string | null {
    const id = this.get(KEYS.sessionId);
    return id !== null && /^[0-9a-f-]{36}$/.test(id) ? id : null;
  }

  session(): SessionMeta | null {
    const value = this.read(KEYS.session);
    const numbers = ["createdAt", "lastActivity", "seq", "clientTtlMs", "readOnlyMs"] as const;
    return value !== null && numbers.every((name) => Number.isFinite(value[name])) ? (value as unknown as SessionMeta) : null;
  }

  saveSession(id: string, meta: SessionMeta): void {
    if (this.set(KEYS.sessionId, id)) this.write(KEYS.session, meta);
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
      const past = history.past.slice(-Math.max(0, keep - messages.length));
      if (this.write(KEYS.history, { messages, past })) return;
    }
    this.drop(KEYS.history);
  }

  outbox(): Pending[] {
    const messages = this.read(KEYS.outbox)?.["messages"];
    if (!Array.isArray(messages)) return [];
    return messages.filter(
      (entry: Pending | null) => typeof entry?.clientMessageId === "string" && typeof entry.text === "string" && Number.isFinite(entry.ts),
    );
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
    return { open: value?.["open"] === true, docked: value?.["docked"] === true };
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

  dropSessionId(): void {
    this.drop(KEYS.sessionId);
  }

  /** Forget the conversation; with `everything`, the visitor too. */
  forget(everything: boolean): void {
    this.drop(KEYS.sessionId);
    this.drop(KEYS.session);
    this.drop(KEYS.history);
    this.drop(KEYS.outbox);
    if (everything) this.drop(KEYS.userData);
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
      if (this.persistent) this.trouble(null);
      return true;
    } catch (error) {
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

function isQuota(error: unknown): boolean {
  const name = (error as { name?: unknown } | null)?.name;
  return name === "QuotaExceededError" || name === "NS_ERROR_DOM_QUOTA_REACHED";
}
