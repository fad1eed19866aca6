// @vitest-environment happy-dom
import { beforeEach, expect, it } from "vitest";
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
