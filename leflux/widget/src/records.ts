// Versioned records in the browser's storage. A record that is corrupt, unreadable or of another version counts as absent.
// If the browser stores nothing, the records live in memory.

import { stringify } from "./text.js";

export const VERSION = 1;

export type StorageProblem = "storage-blocked" | "storage-full";

/** The part of `Storage` that the widget uses. */
export interface StorageArea {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A storage in memory. */
export function memoryArea(): StorageArea {
  const map = new Map<string, string>();
  return {
    get length() {
      return map.size;
    },
    key: (index) => [...map.keys()][index] ?? null,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
}

export class Records {
  readonly persistent: boolean;
  private readonly area: StorageArea;
  private readonly failing = new Set<string>();

  /** `open` returns localStorage or throws. `problem` is called when the storage fails, and with null when it works again. */
  constructor(
    open: () => StorageArea,
    private readonly problem: (kind: StorageProblem | null) => void,
  ) {
    let area: StorageArea | null = null;
    try {
      area = open();
      const probe = "leflux:probe";
      area.setItem(probe, probe);
      area.removeItem(probe);
    } catch (error) {
      // A full storage can still be read, and may have room later.
      if (!isQuota(error)) area = null;
    }
    this.persistent = area !== null;
    this.area = area ?? memoryArea();
    if (!this.persistent) problem("storage-blocked");
  }

  protected keys(): string[] {
    try {
      return Array.from({ length: this.area.length }, (_, index) => this.area.key(index) ?? "");
    } catch {
      return [];
    }
  }

  protected read(key: string): Record<string, unknown> | null {
    const text = this.get(key);
    if (text === null) return null;
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null && (value as { v?: unknown }).v === VERSION) {
        return value as Record<string, unknown>;
      }
    } catch {
      // Not JSON: the record counts as absent.
    }
    return null;
  }

  protected write(key: string, value: object): boolean {
    return this.set(key, stringify({ v: VERSION, ...value }));
  }

  protected get(key: string): string | null {
    try {
      return this.area.getItem(key);
    } catch {
      return null;
    }
  }

  protected set(key: string, text: string): boolean {
    try {
      this.area.setItem(key, text);
      if (this.failing.delete(key) && this.failing.size === 0) this.problem(null);
      return true;
    } catch (error) {
      this.failing.add(key);
      this.problem(isQuota(error) ? "storage-full" : "storage-blocked");
      return false;
    }
  }

  protected drop(key: string): void {
    try {
      this.area.removeItem(key);
    } catch {
      // Nothing depends on the removal.
    }
  }
}

function isQuota(error: unknown): boolean {
  const name = (error as { name?: unknown } | null)?.name;
  return name === "QuotaExceededError" || name === "NS_ERROR_DOM_QUOTA_REACHED";
}
