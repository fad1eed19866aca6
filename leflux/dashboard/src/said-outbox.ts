// What a person has said and the server has not acknowledged yet. It survives a reload, and is sent again until it is.

import { useEffect, useState } from "preact/hooks";
import { call } from "./api.js";
import { asError } from "./use-load.js";

const KEY = "leflux:said:";
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

export interface Waiting {
  clientMessageId: string;
  text: string;
  /** Why the server does not take it; it stays until the person tries again or discards it. */
  failed?: string;
}

export interface SaidOutbox {
  waiting: readonly Waiting[];
  say: (text: string) => void;
  retry: (clientMessageId: string) => void;
  discard: (clientMessageId: string) => void;
}

function read(key: string): Waiting[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(found) ? found.filter((item) => typeof item?.clientMessageId === "string" && typeof item.text === "string") : [];
  } catch {
    return [];
  }
}

/** A full or blocked storage must not keep a person from speaking. */
function write(key: string, waiting: readonly Waiting[]): void {
  try {
    if (waiting.length === 0) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(waiting));
  } catch {
    return;
  }
}

const isWorthRepeating = (status: number): boolean => status === 0 || status === 408 || status === 429 || status >= 500;

/** The outbox of one conversation. `path`: of the conversation in the API; `stored` is called after each acknowledgement. */
export function useSaidOutbox(path: string, conversationId: string, stored: () => void): SaidOutbox {
  const key = KEY + conversationId;
  const [waiting, setWaiting] = useState(() => read(key));
  const change = (next: (before: Waiting[]) => Waiting[]): void =>
    setWaiting((before) => {
      const after = next(before);
      write(key, after);
      return after;
    });
  useEffect(() => setWaiting(read(key)), [key]);
  const first = waiting[0];
  useEffect(() => {
    if (first === undefined || first.failed !== undefined) return;
    const { clientMessageId, text } = first;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const send = async (pause: number): Promise<void> => {
      try {
        await call("POST", `${path}/say`, { body: { clientMessageId, text } });
        if (!isOver) change((all) => all.filter((item) => item.clientMessageId !== clientMessageId));
        stored();
      } catch (raised) {
        const error = asError(raised);
        if (isOver) return;
        if (error.status === 410) change(() => []);
        else if (isWorthRepeating(error.status)) timer = setTimeout(() => void send(Math.min(pause * 2, LONGEST_PAUSE_MS)), pause);
        else change((all) => all.map((item) => (item.clientMessageId === clientMessageId ? { ...item, failed: error.message } : item)));
      }
    };
    void send(FIRST_PAUSE_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [path, first?.clientMessageId, first?.failed]);
  return {
    waiting,
    say: (text) => change((all) => [...all, { clientMessageId: crypto.randomUUID(), text }]),
    retry: (id) => change((all) => all.map((item) => (item.clientMessageId === id ? { clientMessageId: id, text: item.text } : item))),
    discard: (id) => change((all) => all.filter((item) => item.clientMessageId !== id)),
  };
}
