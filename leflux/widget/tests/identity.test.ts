// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from "vitest";
import { uuid, visitorId } from "../src/identity.js";

beforeEach(() => (document.cookie = "leflux:visitorId=; Max-Age=0; Path=/"));

it("a visitor keeps one id over all pages of the site", () => {
  const id = visitorId(document, uuid);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(visitorId(document, uuid)).toBe(id);
});

it("somebody else's broken cookie neither breaks the id nor becomes one", () => {
  document.cookie = "%E0%A4%A=broken";
  document.cookie = "leflux:visitorId=<script>; Path=/";
  expect(visitorId(document, uuid)).toMatch(/^[0-9a-f-]{36}$/);
});

it("where cookies are blocked or throw there is no visitor id", () => {
  const blocked = { cookie: "", location: { protocol: "http:" } };
  Object.defineProperty(blocked, "cookie", { get: () => "", set: () => undefined });
  expect(visitorId(blocked as unknown as Document, uuid)).toBeNull();
  Object.defineProperty(blocked, "cookie", {
    get: () => {
      throw new DOMException("denied", "SecurityError");
    },
  });
  expect(visitorId(blocked as unknown as Document, uuid)).toBeNull();
});

it("on a page with TLS the cookie is not sent without it", () => {
  const written: string[] = [];
  const page = { location: { protocol: "https:" } };
  Object.defineProperty(page, "cookie", { get: () => written.join("; "), set: (cookie: string) => written.push(cookie) });
  expect(visitorId(page as unknown as Document, () => "an-id")).toBe("an-id");
  expect(written[0]).toContain("SameSite=Lax; Secure");
});

it("a page without TLS has random ids of the same form", () => {
  vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
  const ids = new Set(Array.from({ length: 100 }, uuid));
  vi.unstubAllGlobals();
  expect(ids.size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
