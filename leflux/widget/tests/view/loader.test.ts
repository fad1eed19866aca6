// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

interface Handed {
  host: string;
  options: Record<string, string>;
}

const page = window as unknown as { __leflux?: Handed };

/** The address that the loader asks for, on a page with this tag. */
async function load(attributes: Record<string, string> = {}, lang = ""): Promise<string | undefined> {
  document.documentElement.lang = lang;
  const tag = document.createElement("script");
  Object.defineProperty(tag, "src", { value: "https://chat.example/embed.js" });
  for (const [name, value] of Object.entries(attributes)) tag.setAttribute(name, value);
  vi.spyOn(document, "currentScript", "get").mockReturnValue(tag);
  const added = vi.spyOn(document.head, "append").mockImplementation(() => {});
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

  it("loads once, however many tags there are", async () => {
    await load();
    vi.restoreAllMocks();
    expect(await load()).toBeUndefined();
  });
});
