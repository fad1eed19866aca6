// @vitest-environment happy-dom
import { afterEach, expect, it, vi } from "vitest";
import type { LeFluxApi } from "../leflux.js";

const ID = "00000000-0000-4000-8000-000000000001";
const fetched: string[] = [];

async function load(options: Record<string, string>): Promise<LeFluxApi> {
  vi.resetModules();
  fetched.length = 0;
  vi.stubGlobal("fetch", (url: string) => {
    fetched.push(url.replace("http://host.test", ""));
    return Promise.reject(new TypeError("offline"));
  });
  (window as unknown as { __leflux: unknown }).__leflux = { host: "http://host.test", options, nonce: "", trust: (url: string) => url };
  await import("../src/index.js");
  return window.LeFlux!;
}

const bubbles = (): string[] =>
  [...document.querySelector("leflux-widget")!.shadowRoot!.querySelectorAll('[part~="message"]')].map((bubble) => bubble.textContent!);

afterEach(() => {
  window.LeFlux?.destroy();
  localStorage.clear();
  document.cookie = "leflux:visitorId=; Max-Age=0; Path=/";
  vi.unstubAllGlobals();
});

function remember(): void {
  const now = Date.now();
  localStorage.setItem("leflux:sessionId", ID);
  localStorage.setItem("leflux:session", JSON.stringify({ v: 1, createdAt: now, lastActivity: now, seq: 1 }));
  localStorage.setItem("leflux:history", JSON.stringify({ v: 1, messages: [{ id: "a", seq: 1, role: "visitor", text: "from before", ts: now }] }));
  localStorage.setItem("leflux:widget", JSON.stringify({ v: 1, open: true, docked: false }));
  localStorage.setItem("leflux:draft", JSON.stringify({ v: 1, text: "half typ" }));
}

it("what is cached is on the page, open and with its draft, before anything is asked", async () => {
  remember();
  const api = await load({ locale: "en" });
  expect(bubbles().join()).toContain("from before");
  expect(document.querySelector("leflux-widget")!.shadowRoot!.querySelector<HTMLTextAreaElement>('[part~="input"]')!.value).toBe("half typ");
  expect([api.isOpen(), api.getSessionId(), fetched]).toEqual([true, ID, []]);
  await vi.waitFor(() => expect(fetched).toEqual([`/api/session/${ID}`]));
});

it("a preview asks nothing, keeps nothing and sets no cookie", async () => {
  remember();
  localStorage.clear();
  const api = await load({ preview: "", locale: "en" });
  api.open();
  expect(api.send("just looking")).not.toBeNull();
  await vi.waitFor(() => expect(bubbles().join()).toContain("just looking"));
  expect([fetched, localStorage.length, document.cookie]).toEqual([[], 0, ""]);
});

it("a page's handler that throws does not stop the chat, and off means off", async () => {
  const api = await load({ preview: "", locale: "en" });
  const heard: string[] = [];
  const handler = (): void => void heard.push("open");
  api.on("open", handler);
  addEventListener("leflux:open", () => heard.push("window"), { once: true });
  api.open();
  api.off("open", handler);
  api.close();
  api.open();
  expect(heard).toEqual(["open", "window"]);
});

it("opening by a script leaves the focus where the visitor types, unless it asks for it", async () => {
  const field = document.body.appendChild(document.createElement("input"));
  const api = await load({ preview: "", locale: "en" });
  field.focus();
  api.open();
  await vi.waitFor(() => expect(document.querySelector("leflux-widget")!.shadowRoot!.querySelector("[data-open]")).not.toBeNull());
  expect(document.activeElement).toBe(field);
  api.open({ focus: true });
  await vi.waitFor(() => expect(document.activeElement!.localName).toBe("leflux-widget"));
  field.remove();
});

it("a draft that another tab has sent is not sent again", async () => {
  const api = await load({ preview: "", locale: "en" });
  api.destroy();
  remember();
  await load({ locale: "en" });
  const input = document.querySelector("leflux-widget")!.shadowRoot!.querySelector<HTMLTextAreaElement>('[part~="input"]')!;
  expect(input.value).toBe("half typ");
  await vi.waitFor(() => expect(fetched).not.toEqual([]));
  localStorage.removeItem("leflux:draft");
  const waiting = { clientMessageId: "other", text: "half typ", ts: Date.now() };
  localStorage.setItem("leflux:outbox:other", JSON.stringify({ v: 1, ...waiting }));
  window.dispatchEvent(new StorageEvent("storage", { key: "leflux:outbox:other" }));
  await vi.waitFor(() => expect(input.value).toBe(""));
});

it("a draft that was dropped without being sent stays in the field", async () => {
  remember();
  await load({ locale: "en" });
  const input = document.querySelector("leflux-widget")!.shadowRoot!.querySelector<HTMLTextAreaElement>('[part~="input"]')!;
  await vi.waitFor(() => expect(fetched).not.toEqual([]));
  localStorage.removeItem("leflux:draft");
  window.dispatchEvent(new StorageEvent("storage", { key: "leflux:draft" }));
  input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, composed: true }));
  expect(Object.keys(localStorage).some((key) => key.startsWith("leflux:outbox:"))).toBe(true);
});

it("after destroy nothing is left on the page, and it can be loaded again", async () => {
  (await load({ preview: "", locale: "en" })).destroy();
  expect([document.querySelector("leflux-widget"), window.LeFlux]).toEqual([null, undefined]);
  await load({ preview: "", locale: "en" });
  expect(document.querySelectorAll("leflux-widget")).toHaveLength(1);
});
