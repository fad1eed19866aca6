// The states of a view without data: loading, empty, failed.

import type { ComponentChildren, JSX } from "preact";
import type { Loaded } from "../use-load.js";
import { Icon, type IconName } from "./icons.js";

export function Banner({ kind, children }: { kind: "bad" | "note"; children: ComponentChildren }): JSX.Element {
  return (
    <div class={`banner ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      <Icon name="warn" />
      <div>{children}</div>
    </div>
  );
}

export function Empty({ icon = "empty", title, children }: { icon?: IconName; title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children && <div class="soft">{children}</div>}
    </div>
  );
}

export function Failed({ message, retry }: { message: string; retry: () => void }): JSX.Element {
  return (
    <div class="empty" role="alert">
      <Icon name="warn" />
      <h2>This could not be loaded</h2>
      <p class="soft">{message}</p>
      <button type="button" class="plain" onClick={retry}>
        <Icon name="retry" /> Try again
      </button>
    </div>
  );
}

export function Skeleton({ rows = 5 }: { rows?: number }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <i key={row} />
      ))}
    </div>
  );
}

interface ShowProps<T> {
  of: Loaded<T>;
  rows?: number;
  children: (data: T) => ComponentChildren;
}

/** Shows the loaded value, a skeleton or the error. */
export function Show<T>({ of, rows = 5, children }: ShowProps<T>): JSX.Element {
  if (of.data !== null) return <>{children(of.data)}</>;
  if (of.error !== null) return <Failed message={of.error.message} retry={of.reload} />;
  return <Skeleton rows={rows} />;
}
