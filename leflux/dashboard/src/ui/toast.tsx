// Short notifications, announced to screen readers.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icons.js";

interface Toast {
  id: number;
  text: string;
  isBad: boolean;
}

const SHOWN_MS = 7_000;
let last = 0;
let listener: (toast: Toast) => void = () => undefined;

export function toast(text: string, isBad = false): void {
  listener({ id: ++last, text, isBad });
}

export function Toasts(): JSX.Element {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const drop = (id: number): void => setToasts((all) => all.filter((each) => each.id !== id));
  useEffect(() => {
    listener = (added) => {
      setToasts((all) => [...all.slice(-2), added]);
      if (!added.isBad) setTimeout(() => drop(added.id), SHOWN_MS);
    };
    return () => {
      listener = () => undefined;
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text, isBad }) => (
        <div key={id} class={isBad ? "toast bad" : "toast"}>
          <Icon name={isBad ? "warn" : "check"} />
          <p>{text}</p>
          <button type="button" class="ghost icon-only" aria-label="Dismiss" onClick={() => drop(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
