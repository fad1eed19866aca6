// Loads the parts of the widget that a page needs late or never, each from a script of its own.

/** What the loader (`embed.ts`) leaves for the agent. */
export interface Loader {
  host: string;
  options: Record<string, string>;
  nonce: string;
  /** Makes an address of a script what a page with Trusted Types demands. */
  trust: (url: string) => string;
}

const RETRY_MS = 2_000;

export type Load<T> = () => Promise<T>;

/** Where a part leaves what it offers. A symbol, because markup of the page cannot name one. */
const key = (name: string): symbol => Symbol.for(`leflux:${name}`);
const holder = globalThis as unknown as Record<symbol, unknown>;

/** A part calls this when it has arrived. */
export function offer<T>(name: string, part: T): void {
  holder[key(name)] = part;
}

/** The part, when it has arrived. */
export function arrived<T>(name: string): T | undefined {
  return holder[key(name)] as T | undefined;
}

/** Loads the part of the script `leflux-<name>.js` once. A call that fails is followed by a new request at the next call. */
export function partLoader<T>(name: string, version: string, { host, nonce, trust }: Loader): Load<T> {
  const url = `${host}/leflux-${name}.js?v=${version}`;
  let loading: Promise<T> | null = null;
  return () => {
    loading ??= new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        const part = arrived<T>(name);
        if (part === undefined) reject(new Error(url));
        else resolve(part);
      };
      if (arrived(name) !== undefined) return settle();
      const script = document.createElement("script");
      script.src = trust(url);
      if (nonce) script.nonce = nonce;
      script.onload = script.onerror = settle;
      document.documentElement.appendChild(script);
    }).catch((error: unknown) => {
      loading = null;
      throw error;
    });
    return loading;
  };
}

/** Loads a part, again until it arrives. Resolves with null when it has failed and `isWanted` says no. */
export async function insist<T>(load: Load<T>, isWanted: () => boolean): Promise<T | null> {
  for (;;) {
    try {
      return await load();
    } catch {
      await new Promise((again) => setTimeout(again, RETRY_MS));
      if (!isWanted()) return null;
    }
  }
}
