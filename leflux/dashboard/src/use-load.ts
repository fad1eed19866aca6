// A hook for a value of the server: loading, failed or loaded.

import { useCallback, useEffect, useState } from "preact/hooks";
import { ApiError } from "./api.js";

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  reload: () => void;
  set: (data: T) => void;
}

export function asError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "internal_error", String(error));
}

/** Loads a value, and again when `key` changes and every `everyMs`. The old value stays until the new one arrives. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, key: string, everyMs = 0): Loaded<T> {
  const [shown, setShown] = useState<{ key: string; data: T | null; error: ApiError | null }>({ key, data: null, error: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    load(abort.signal).then(
      (data) => !abort.signal.aborted && setShown({ key, data, error: null }),
      (error: unknown) => {
        if (!abort.signal.aborted) setShown((last) => ({ key, data: last.key === key ? last.data : null, error: asError(error) }));
      },
    );
    return () => abort.abort();
  }, [key, turn]);
  useEffect(() => {
    if (everyMs === 0) return;
    const timer = setInterval(() => document.visibilityState === "visible" && setTurn((last) => last + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  const set = useCallback((data: T) => setShown({ key, data, error: null }), [key]);
  const isOfKey = shown.key === key;
  return { data: isOfKey ? shown.data : null, error: isOfKey ? shown.error : null, reload, set };
}
