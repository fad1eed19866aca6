// Random ids: the visitor's, kept in a first-party cookie, and UUIDs.

const COOKIE = "leflux:visitorId";
const YEAR = 365 * 24 * 3600;

/** Returns the visitor id of the cookie, or creates one. Null when cookies are blocked. */
export function visitorId(document: Document, mint: () => string): string | null {
  try {
    const found = document.cookie
      .split("; ")
      .map((cookie) => cookie.split("="))
      .find(([name]) => name === COOKIE);
    const known = found?.[1];
    const id = known !== undefined && /^[0-9a-f-]{36}$/.test(known) ? known : mint();
    const secure = document.location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${COOKIE}=${id}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
    return document.cookie.includes(id) ? id : null;
  } catch {
    return null;
  }
}

/** Deletes the cookie of the visitor id. */
export function forgetVisitor(document: Document): void {
  try {
    document.cookie = `${COOKIE}=; Path=/; Max-Age=0; SameSite=Lax`;
  } catch {
    // Cookies are blocked, so there is none.
  }
}

/** A random UUIDv4. On pages without TLS, `crypto.randomUUID` is missing. */
export function uuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
