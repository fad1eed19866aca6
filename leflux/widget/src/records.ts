// Records in the browser's storage. Each has a version; whatever is corrupt, of another version or unreadable counts as
// absent. When the browser keeps nothing, memory does for this page.

export const VERSION = 1;

export type Trouble = "storage-blocked" | "storage-full";

/** The part of `Storage` that is used. */
export interface Area {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Keeps things for as long as the page lives. */
export function memoryArea(): Area {
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
      // Falls through: what cannot be parsed is of no use to anyone.
    }
    return null;
  }

  protected write(key: string, value: object): boolean {
    return this.set(key, JSON.stringify({ v: VERSION, ...value }));
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
      if (this.failing.delete(key) && this.failing.size === 0) this.trouble(null);
      return true;
    } catch (error) {
      this.failing.add(key);
      this.trouble(isQuota(error) ? "storage-full" : "storage-blocked");
      return false;
    }
  }

  protected drop(key: string): void {
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
