// The state of a form whose record others may change at the same time: the loaded record, the draft, and a newer record.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { call } from "../api.js";
import { toast } from "../ui/toast.js";
import { asError, type Loaded } from "../use-load.js";

export interface Draft<T> {
  value: T;
  set: (changes: Partial<T>) => void;
  isDirty: boolean;
  isBusy: boolean;
  /** Errors by member of the body; `""` for errors about no single member. */
  wrong: Record<string, string>;
  /** The record that somebody else has saved in the meantime. */
  newer: T | null;
  save: () => Promise<void>;
  undo: () => void;
  /** Discards the draft and shows the newer record. */
  takeNewer: () => void;
  /** Keeps the draft, to be saved over the newer record. */
  keepMine: () => void;
}

const SAVED = "Saved. It holds from now on, also for conversations that are running.";

export function useDraft<T extends { version: number }>(path: string, loaded: Loaded<T>, read: () => Promise<T>): Draft<T> | null {
  const [value, setValue] = useState<T | null>(loaded.data);
  const [isBusy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [newer, setNewer] = useState<T | null>(null);
  useEffect(() => {
    if (loaded.data !== null) setValue((last) => last ?? loaded.data);
  }, [loaded.data]);
  const isDirty = value !== null && JSON.stringify(value) !== JSON.stringify(loaded.data);
  // Run before the next paint, so that no leave warning follows a successful save.
  useLayoutEffect(() => {
    if (!isDirty) return;
    const warn = (event: Event): void => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isDirty]);
  const base = loaded.data;
  if (value === null || base === null) return null;
  const start = (from: T): void => {
    loaded.set(from);
    setValue(from);
    setNewer(null);
    setWrong({});
  };
  const save = async (): Promise<void> => {
    setBusy(true);
    setWrong({});
    try {
      start(await call<T>("PUT", path, { body: value }));
      toast(SAVED);
    } catch (raised) {
      const error = asError(raised);
      if (error.status === 409) setNewer(await read().catch(() => null));
      else setWrong({ [error.field ?? ""]: error.message });
    }
    setBusy(false);
  };
  return {
    value,
    isDirty,
    isBusy,
    wrong,
    newer,
    save,
    set: (changes) => {
      setValue({ ...value, ...changes });
      setWrong({});
    },
    undo: () => start(base),
    takeNewer: () => newer && start(newer),
    keepMine: () => {
      if (newer === null) return;
      loaded.set(newer);
      setValue({ ...value, version: newer.version });
      setNewer(null);
    },
  };
}
