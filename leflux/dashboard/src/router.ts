// Addresses below /dashboard/: deep links, history, and moving the focus on navigation.

import { useEffect, useState } from "preact/hooks";

/** The path under which the server is mounted, which the server writes into the document; usually empty. */
export const BASE_PATH = document.documentElement.dataset["basePath"] ?? "";
export const ROOT = `${BASE_PATH}/dashboard/`;
const CHANGED = "leflux:address";

export interface Address {
  /** The path below /dashboard/, split at the slashes. */
  parts: string[];
  query: URLSearchParams;
}

export function here(): Address {
  const path = location.pathname.slice(ROOT.length);
  return { parts: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(location.search) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const to = (...parts: string[]): string => ROOT + parts.map(encodeURIComponent).join("/");

export function navigate(href: string, replace = false): void {
  if (href === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", href);
  dispatchEvent(new Event(CHANGED));
}

/** Changes parts of the query without a history entry. An empty value removes its name. */
export function requery(changes: Record<string, string>): void {
  const { query } = here();
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  navigate(location.pathname + (text ? `?${text}` : ""), true);
}

export function useAddress(): Address {
  const [address, setAddress] = useState(here);
  useEffect(() => {
    const follow = (): void => setAddress(here());
    addEventListener("popstate", follow);
    addEventListener(CHANGED, follow);
    return () => {
      removeEventListener("popstate", follow);
      removeEventListener(CHANGED, follow);
    };
  }, []);
  return address;
}

/** Follows links within the dashboard without loading the document. */
export function followLinks(event: MouseEvent): void {
  const link = (event.target as Element).closest?.("a[href]") as HTMLAnchorElement | null;
  const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (link === null || !isPlain || link.target || link.hasAttribute("download") || event.defaultPrevented) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !url.pathname.startsWith(ROOT) || link.getAttribute("href")!.startsWith("#")) return;
  event.preventDefault();
  navigate(url.pathname + url.search);
}
