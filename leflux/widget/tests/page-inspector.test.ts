// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { close, type Entry, open, Page, show } from "./page.js";

let page: Page;

beforeEach(() => {
  page = open();
});

afterEach(() => close(page));

it("the page is described without what was typed, and only when that has changed", async () => {
  show('<main>Lamps<label>Email <input value="ada@example.com"></label></main>');
  await page.inspector.send();
  await page.inspector.send();
  expect(page.said).toHaveLength(1);
  const { context } = page.said[0]!.payload;
  expect(context.elements).toEqual([{ id: expect.any(String), role: "textbox", name: "Email" }]);
  expect(JSON.stringify(context)).not.toContain("ada@example.com");
  document.querySelector("main")!.insertAdjacentHTML("beforeend", "<button>Buy</button>");
  await page.inspector.send();
  const after = page.said[1]!.payload["context"].elements;
  expect(after.map(({ name }: Entry) => name)).toEqual(["Email", "Buy"]);
  expect(after[0].id).toBe(context.elements[0].id);
});

it("the page says what cannot be used at the moment", async () => {
  show("<button disabled>Pay</button>");
  await page.inspector.send();
  expect(page.said[0]!.payload["context"].elements).toEqual([
    { id: expect.any(String), role: "button", name: "Pay", disabled: true },
  ]);
});

it("another address is news though nothing else on the page has changed", async () => {
  const navigation = new EventTarget();
  vi.stubGlobal("navigation", navigation);
  page.inspector.stop();
  page = new Page();
  navigation.dispatchEvent(new Event("currententrychange"));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(page.events()).toEqual(["update_context"]);
  vi.unstubAllGlobals();
});

it("a page that is to go on describes itself also when nothing has changed", async () => {
  show("<button>Buy</button>");
  await page.inspector.send();
  await page.inspector.send("continue_task");
  expect(page.events()).toEqual(["update_context", "continue_task"]);
  expect(page.said[1]!.payload).toEqual(page.said[0]!.payload);
});

it("a page that nobody chats on is not looked at", async () => {
  show("<main>Lamps</main>");
  page.sync.isJoined = false;
  const text = vi.spyOn(document.querySelector("main")!, "innerText", "get");
  page.inspector.schedule();
  await vi.advanceTimersByTimeAsync(5_000);
  expect([text.mock.calls.length, page.said]).toEqual([0, []]);
});

it("a page that never rests is described all the same", async () => {
  show("<main></main>");
  for (let round = 0; round < 20; round += 1) {
    page.inspector.schedule();
    await vi.advanceTimersByTimeAsync(200);
  }
  expect(page.events()).toContain("update_context");
});

it("a button that disappears is news, an animation's every frame is not", async () => {
  show('<button>Buy</button><div id="ball"></div>');
  await vi.advanceTimersByTimeAsync(1_000);
  page.inspector.resend();
  await vi.advanceTimersByTimeAsync(1_000);
  const before = page.said.length;
  document.querySelector<HTMLElement>("#ball")!.style.top = "1px";
  await vi.advanceTimersByTimeAsync(1_000);
  expect(page.said).toHaveLength(before);
  document.querySelector("button")!.hidden = true;
  vi.mocked(Element.prototype.getClientRects).mockReturnValue([] as unknown as DOMRectList);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(page.said).toHaveLength(before + 1);
});

it("what is cut from the page is cut between code points, and a lone surrogate is replaced", async () => {
  const smile = "\u{1f600}";
  document.title = `${"t".repeat(299)}${smile}`;
  show(`<main>${"x".repeat(4_999)}${smile}y</main><button>${smile.repeat(121)}</button>`);
  await page.inspector.send();
  const { context } = page.said[0]!.payload;
  expect(context.title).toBe(`${"t".repeat(299)}${smile}`);
  expect(context.visibleText).toBe(`${"x".repeat(4_999)}${smile}`);
  expect(context.elements[0].name).toBe(smile.repeat(120));
  document.title = "a\ud83d";
  await page.inspector.send();
  expect(page.said[1]!.payload["context"].title).toBe("a\ufffd");
  document.title = "";
});

const CARD = "4111 1111 1111 1111";

it("what the page calls private is left out: texts, names, elements, and all of it when the page lies in there", async () => {
  show(
    `<main><p>Lamps</p><p data-leflux-private>Ada Lovelace <button>Account of Ada</button></p>
    <a href="/me">My account <img alt="Ada" data-leflux-private><span data-leflux-private>Ada</span></a></main>`,
  );
  await page.inspector.send();
  const { context } = page.said[0]!.payload;
  expect(JSON.stringify(context)).not.toContain("Lovelace");
  expect(context.visibleText).toContain("Lamps");
  expect(context.elements.map(({ name }: Entry) => name)).toEqual(["My account"]);
  document.documentElement.setAttribute("data-leflux-private", "");
  document.title = "Ada's account";
  await page.inspector.send();
  expect(page.said[1]!.payload["context"]).toMatchObject({ title: "", visibleText: "", elements: [] });
  document.documentElement.removeAttribute("data-leflux-private");
  document.title = "";
});

it("what looks like a secret is hidden in every text, and in the reports of steps", async () => {
  document.title = `Pay with ${CARD}`;
  show(`<main>Card ${CARD}</main><button title="x">Use ${CARD}</button><input placeholder="${CARD}">`);
  await page.inspector.send();
  expect(JSON.stringify(page.said[0]!.payload)).not.toContain("1111 1111");
  expect(page.inspector.told({ success: true, url: "http://localhost:3000/?t=1#x", seen: { alert: `No ${CARD}` } })).toMatchObject({
    url: expect.stringMatching(/\?t=~\w+$/),
    seen: { alert: "No •••" },
  });
  document.title = "";
});

it("a page with many long elements stays below the limit of a description", async () => {
  show(Array.from({ length: 120 }, (_, n) => `<button>${n} ${"語".repeat(119)}</button><input placeholder="${"語".repeat(120)}${n}">`).join(""));
  await page.inspector.send();
  const { context } = page.said[0]!.payload;
  expect(new TextEncoder().encode(JSON.stringify(context)).length).toBeLessThan(60_000);
  expect(context.elements.length).toBeGreaterThan(20);
});
