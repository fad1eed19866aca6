// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

interface Handed {
  host: string;
  options: Record<string, string>;
}

const page = window as unknown as { __leflux?: Handed };

/** The prototype of `document` that has its current script. */
function holder(): Document {
  let found = document;
  do found = Object.getPrototypeOf(found) as Document;
  while (!Object.hasOwn(found, "currentScript"));
  return found;
}

/** Runs the loader on a page with this tag. Returns the address that it loads. */
async function load(attributes: Record<string, string> = {}, lang = "", src = "https://chat.example/embed.js"): Promise<string | undefined> {
  document.documentElement.lang = lang;
  const tag = document.createElement("script");
  Object.defineProperty(tag, "src", { value: src });
  for (const [name, value] of Object.entries(attributes)) tag.setAttribute(name, value);
  vi.spyOn(holder(), "currentScript", "get").mockReturnValue(tag);
  const added = vi.spyOn(document.head, "appendChild").mockImplementation((node) => node);
  vi.resetModules();
  await import("../../src/embed.js");
  return (added.mock.calls[0]?.[0] as HTMLScriptElement | undefined)?.src;
}

beforeEach(() => {
  vi.stubGlobal("AGENT_VERSION", "abc");
  vi.stubGlobal("AGENT_LANGUAGES", "ar de");
  vi.spyOn(navigator, "language", "get").mockReturnValue("ar-EG");
});
afterEach(() => {
  delete page.__leflux;
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("the loader asks for the visitor's language", () => {
  it.each([
    [{ "data-locale": "de-AT" }, "fr", "&l=de", "de-AT"],
    [{}, "DE-ch", "&l=de", "DE-ch"],
    [{}, "", "&l=ar", "ar-EG"],
    [{}, "en-GB", "", "en-GB"],
    [{ "data-locale": "tlh" }, "de", "", "tlh"],
    [{ "data-locale": "ar de" }, "", "", "ar de"],
  ])("tag %o, page %s", async (attributes, lang, query, locale) => {
    expect(await load(attributes, lang)).toBe(`https://chat.example/leflux-agent.js?v=abc${query}`);
    expect(page.__leflux!.options["locale"]).toBe(locale);
  });

  it("hands over the tag's options and host", async () => {
    await load({ "data-no-visitor-id": "", "data-debug": "1" }, "en");
    expect(page.__leflux).toMatchObject({ host: "https://chat.example", options: { "no-visitor-id": "", debug: "1" } });
  });

  it.each([
    ["https://example.com/chat/embed.js", "https://example.com/chat"],
    ["https://example.com/a/b/embed.js?x=1#y", "https://example.com/a/b"],
    ["http://localhost:8080/embed.js", "http://localhost:8080"],
  ])("takes everything from below %s", async (src, host) => {
    expect(await load({ "data-locale": "en" }, "", src)).toBe(`${host}/leflux-agent.js?v=abc`);
    expect(page.__leflux!.host).toBe(host);
  });

  it("says in one line that it does not know where it lies", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.spyOn(holder(), "currentScript", "get").mockReturnValue(null);
    vi.resetModules();
    await import("../../src/embed.js");
    expect(warned).toHaveBeenCalledTimes(1);
    expect(page.__leflux).toBeUndefined();
  });

  it("makes its addresses by the policy leflux where a page has Trusted Types", async () => {
    const createPolicy = vi.fn((_name: string, rules: object) => rules);
    vi.stubGlobal("trustedTypes", { createPolicy });
    expect(await load({ "data-locale": "en" })).toBe("https://chat.example/leflux-agent.js?v=abc");
    expect((page.__leflux as unknown as { trust: (url: string) => string }).trust("https://chat.example/x.js")).toBe("https://chat.example/x.js");
    expect(createPolicy.mock.calls.map(([name]) => name)).toEqual(["leflux"]);
  });

  it("loads once, however many tags there are", async () => {
    await load();
    vi.restoreAllMocks();
    expect(await load()).toBeUndefined();
  });
});
