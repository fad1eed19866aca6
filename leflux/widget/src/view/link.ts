// Links in messages: to safe addresses only, and with a label that does not name another address.

import { el } from "./dom.js";

const SAFE = /^(?:https?|mailto|tel):$/;
const ADDRESS = /^\W*(?:https?:\/\/)?(?:[^\s@/]*@)?(?:www\.)?([\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+)(?=[/:?#\s]|\W*$)/iu;
const FILE = /\.(?:[jt]s|md|py|css|html?|pdf|txt|json|php)$/;

/** A link, or null for an address with an unsafe or invalid scheme. `fill` draws another label than plain text. */
export function link(address: string, label: string, fill?: (anchor: Element) => void): HTMLAnchorElement | null {
  let url: URL;
  try {
    url = new URL(address, document.baseURI);
  } catch {
    return null;
  }
  if (!SAFE.test(url.protocol)) return null;
  const anchor = el("a", null, { href: url.href });
  if (label === "" || misleads(label, url)) anchor.textContent = url.href;
  else if (fill !== undefined) fill(anchor);
  else anchor.textContent = label;
  if (url.origin !== location.origin) {
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
  }
  return anchor;
}

/** True when the label is an address, and another one than the link's. */
function misleads(label: string, { protocol, hostname, pathname }: URL): boolean {
  const shown = label.replace(/\p{Cf}/gu, "").trim().toLowerCase();
  if (protocol === "mailto:" && shown.includes("@")) return !shown.includes(pathname.toLowerCase());
  const host = ADDRESS.exec(shown)?.[1];
  if (host === undefined || (FILE.test(host) && !shown.includes("/"))) return /^https?:/.test(shown);
  return host !== hostname.replace(/^www\./, "");
}
