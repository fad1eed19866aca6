// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Chat } from "../src/chat.js";
import { Executor } from "../src/executor.js";
import { Inspector } from "../src/inspector.js";
import { Timers } from "../src/timers.js";
import type { Plan, Step } from "../src/wire.js";

type Said = { event: string; payload: Record<string, any> };

class Page {
  readonly said: Said[] = [];
  refuses = "";
  readonly sync = { isJoined: true, ask: (event: string, payload: Said["payload"]) => this.ask(event, payload) };
  readonly chat = { sync: this.sync, visitor: { data: { name: "Ada" } } } as unknown as Chat;
  readonly timers = new Timers();
  readonly inspector = new Inspector(document, this.chat, this.timers);
  readonly executor = new Executor(document, this.chat, this.inspector, () => undefined);

  private ask(event: string, payload: Said["payload"]): Promise<{ ok: boolean }> {
    this.said.push({ event, payload });
    return Promise.resolve({ ok: event !== this.refuses });
  }

  run(...steps: Partial<Step>[]): Promise<void> {
    const actions = steps.map((step, index) => ({ id: `s${index}`, status: "pending", expectUrl: "", ...step }) as Step);
    return this.executor.start({ taskId: "t", actions, isSequence: true } as Plan);
  }

  get results(): (string | boolean)[] {
    return this.said.filter(({ event }) => event === "action_complete").map(({ payload }) => payload["result"].error ?? true);
  }

  events(): string[] {
    return this.said.map(({ event }) => event);
  }
}

let page: Page;

function show(html: string): void {
  document.body.innerHTML = html;
}

const field = (): HTMLInputElement => document.querySelector("input")!;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Element.prototype, "getClientRects").mockReturnValue([{}] as unknown as DOMRectList);
  page = new Page();
});

afterEach(() => {
  page.inspector.stop();
  page.timers.clear();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("a step runs between the server's yes and the report, and the page hears it as from a keyboard", async () => {
  show("<label>Email <input></label>");
  const heard: string[] = [];
  for (const name of ["focus", "input", "change"]) {
    field().addEventListener(name, () => heard.push(`${name} after ${page.events().join()}`));
  }
  await page.run({ action: "type", target: { label: "email" }, inputData: "ada@example.com" });
  expect(field().value).toBe("ada@example.com");
  expect(heard).toEqual(["focus", "input", "change"].map((name) => `${name} after action_started`));
  expect(page.events()).toEqual(["action_started", "action_complete", "update_context", "sequence_complete"]);
});

it("a step that the server refuses does not run, nor does any after it", async () => {
  show("<button>Buy</button>");
  const clicked = vi.fn();
  document.querySelector("button")!.addEventListener("click", clicked);
  page.refuses = "action_started";
  await page.run({ action: "click", target: { name: "Buy" } }, { action: "click", target: { name: "Buy" } });
  expect([clicked.mock.calls.length, page.events()]).toEqual([0, ["action_started"]]);
});

it("a tab that has lost the task does not click what appears afterwards", async () => {
  show("");
  const clicked = vi.fn();
  const run = page.run({ action: "click", target: { name: "Buy" } });
  await vi.advanceTimersByTimeAsync(300);
  page.executor.stop();
  show("<button>Buy</button>");
  document.querySelector("button")!.addEventListener("click", clicked);
  await vi.advanceTimersByTimeAsync(10_000);
  await run;
  expect([clicked.mock.calls.length, page.results]).toEqual([0, []]);
});

it("an element that is missing is looked for again when the visitor wants it", async () => {
  show("");
  const first = page.run({ action: "click", target: { name: "Buy" } });
  await vi.advanceTimersByTimeAsync(6_000);
  await first;
  expect(page.results).toEqual(["element_missing"]);
  show("<button>Buy</button>");
  await page.run({ action: "click", target: { name: "Buy" } });
  expect(page.results).toEqual(["element_missing", true]);
});

it("a disabled element is waited for", async () => {
  show("<button disabled>Buy</button>");
  const run = page.run({ action: "click", target: { name: "Buy" } });
  await vi.advanceTimersByTimeAsync(500);
  expect(page.results).toEqual([]);
  document.querySelector("button")!.disabled = false;
  await vi.advanceTimersByTimeAsync(500);
  await run;
  expect(page.results).toEqual([true]);
});

it.each([
  '<label>Field <input type="password"></label>',
  '<label>Field <input autocomplete="cc-number"></label>',
  '<label>Field <input autocomplete="one-time-code"></label>',
  '<label>Field <input name="card_number"></label>',
  '<label>Field <input id="iban"></label>',
  '<label>Field <input placeholder="x" name="user-password"></label>',
  '<label>Field: PIN <input></label>',
  '<label>Field <input type="file"></label>',
])("whatever the plan says, nothing is filled into %s", async (html) => {
  show(html);
  await page.run({ action: "type", target: { name: "Field" }, inputData: "secret" });
  expect([field().value, page.results]).toEqual(["", ["forbidden_field"]]);
});

it.each(["Shipping address", "Pineapples", "Accounting contact", "Business card design"])("%s is no secret", async (label) => {
  show(`<label>${label} <input></label>`);
  await page.run({ action: "type", target: { label }, inputData: "text" });
  expect(field().value).toBe("text");
});

it("a form that asks for a person is left to the visitor, and a file is not chosen", async () => {
  show('<form><div class="h-captcha"></div><button type="button">Send</button></form><input type="file" aria-label="Photo">');
  await page.run({ action: "click", target: { name: "Send" } });
  await page.run({ action: "click", target: { name: "Photo" } });
  expect(page.results).toEqual(["captcha", "forbidden_field"]);
});

it("a plan does not run scripts", async () => {
  await page.run({ action: "navigate", url: "javascript:alert(1)" });
  expect(page.results).toEqual(["forbidden_url"]);
});

it("the page is described without what was typed, and only when that has changed", async () => {
  show('<main>Lamps<label>Email <input value="ada@example.com"></label></main>');
  await page.inspector.tell();
  await page.inspector.tell();
  expect(page.said).toHaveLength(1);
  const { context } = page.said[0]!.payload;
  expect(context.elements).toEqual([{ id: "e1", role: "textbox", name: "Email" }]);
  expect(JSON.stringify(context)).not.toContain("ada@example.com");
  document.querySelector("main")!.insertAdjacentHTML("beforeend", "<button>Buy</button>");
  await page.inspector.tell();
  expect(page.said[1]!.payload["context"].elements.map(({ id }: { id: string }) => id)).toEqual(["e1", "e2"]);
});

it("a page that nobody chats on is not looked at", async () => {
  show("<main>Lamps</main>");
  page.sync.isJoined = false;
  const text = vi.spyOn(document.querySelector("main")!, "innerText", "get");
  page.inspector.soon();
  await vi.advanceTimersByTimeAsync(5_000);
  expect([text.mock.calls.length, page.said]).toEqual([0, []]);
});

it("a page that never rests is described all the same", async () => {
  show("<main></main>");
  for (let round = 0; round < 20; round += 1) {
    page.inspector.soon();
    await vi.advanceTimersByTimeAsync(200);
  }
  expect(page.events()).toContain("update_context");
});

it("a button that disappears is news, an animation's every frame is not", async () => {
  show('<button>Buy</button><div id="ball"></div>');
  await vi.advanceTimersByTimeAsync(1_000);
  page.inspector.again();
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
