// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Chat } from "../src/chat.js";
import { Executor } from "../src/executor.js";
import { Inspector } from "../src/inspector.js";
import { Timers } from "../src/timers.js";
import type { Plan, Step } from "../src/wire.js";

type Entry = { id: string; name: string };
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
  expect(context.elements).toEqual([{ id: expect.any(String), role: "textbox", name: "Email" }]);
  expect(JSON.stringify(context)).not.toContain("ada@example.com");
  document.querySelector("main")!.insertAdjacentHTML("beforeend", "<button>Buy</button>");
  await page.inspector.tell();
  const after = page.said[1]!.payload["context"].elements;
  expect(after.map(({ name }: Entry) => name)).toEqual(["Email", "Buy"]);
  expect(after[0].id).toBe(context.elements[0].id);
});

/** The page's elements by their names, as it describes itself, and what was clicked on it. */
async function shop(html: string): Promise<{ ids: Record<string, string>; clicked: string[] }> {
  show(html);
  const clicked: string[] = [];
  for (const button of document.querySelectorAll("button")) {
    button.addEventListener("click", () => clicked.push(button.id || button.textContent!));
  }
  await page.inspector.tell();
  const { elements } = page.said.at(-1)!.payload["context"] as { elements: Entry[] };
  return { ids: Object.fromEntries(elements.map(({ name, id }) => [name, id])), clicked };
}

/** The document was loaded again: another widget describes and acts on it. */
function reload(): void {
  page.inspector.stop();
  page = new Page();
}

it("an id that means another element after a reload is not believed: role and name tell which one was meant", async () => {
  const before = await shop("<button>Save</button><button>Delete</button>");
  reload();
  const after = await shop("<button>Delete</button><button>Help</button><button>Save</button>");
  expect(Object.values(after.ids)).not.toContain(before.ids["Save"]);
  await page.run({ action: "click", elementId: before.ids["Save"]!, target: { role: "button", name: "Save" } });
  expect([after.clicked, page.results]).toEqual([["Save"], [true]]);
});

it("an id of this very page whose element has become another one is not believed either", async () => {
  const { ids, clicked } = await shop("<button>Save</button>");
  document.querySelector("button")!.textContent = "Delete";
  const run = page.run({ action: "click", elementId: ids["Save"]!, target: { role: "button", name: "Save" } });
  await vi.advanceTimersByTimeAsync(6_000);
  await run;
  expect([clicked, page.results]).toEqual([[], ["element_missing"]]);
});

it.each([
  ["nothing is called so any more", "<button>Delete</button>"],
  ["only a part of another name fits", "<button>Save and close the account</button>"],
  ["another kind of element is called so", '<a href="#x">Save</a>'],
  ["several are called so", '<button id="first">Save</button><button id="second">Save</button>'],
  ["links of that name lead to several places", '<a role="button" href="#x">Save</a><a role="button" href="#y">Save</a>'],
])("after a reload the visitor is asked when %s", async (_, html) => {
  const { ids } = await shop("<button>Save</button>");
  reload();
  const { clicked } = await shop(html);
  const run = page.run({ action: "click", elementId: ids["Save"]!, target: { role: "button", name: "Save" } });
  await vi.advanceTimersByTimeAsync(6_000);
  await run;
  expect([clicked, page.results]).toEqual([[], ["element_missing"]]);
});

it("several links to one address are one to a plan", async () => {
  const { ids } = await shop('<a href="#x">Save</a>');
  reload();
  show('<a href="#x">Save</a><a href="#x">Save</a>');
  await page.run({ action: "click", elementId: ids["Save"]!, target: { role: "link", name: "Save" } });
  expect(page.results).toEqual([true]);
});

it("without a reload the id tells apart what is called alike", async () => {
  const { ids, clicked } = await shop('<button id="first">Add</button><button id="second">Add</button>');
  await page.run({ action: "click", elementId: ids["Add"]!, target: { role: "button", name: "Add" } });
  expect(clicked).toEqual(["second"]);
});

it("an element without a name is its id's alone, and an id without a target is nobody's", async () => {
  const { ids, clicked } = await shop('<button id="bare"></button>');
  await page.run({ action: "click", elementId: ids[""]!, target: { role: "button" } });
  expect(clicked).toEqual(["bare"]);
  reload();
  const again = await shop('<button id="bare"></button>');
  const runs = [page.run({ action: "click", elementId: ids[""]!, target: { role: "button" } })];
  await vi.advanceTimersByTimeAsync(6_000);
  runs.push(page.run({ action: "click", elementId: ids[""]! }));
  await vi.advanceTimersByTimeAsync(6_000);
  await Promise.all(runs);
  expect([again.clicked, page.results]).toEqual([[], ["element_missing", "element_missing"]]);
});

it("the page says what cannot be used at the moment", async () => {
  show("<button disabled>Pay</button>");
  await page.inspector.tell();
  expect(page.said[0]!.payload["context"].elements).toEqual([
    { id: expect.any(String), role: "button", name: "Pay", disabled: true },
  ]);
});

it("another address is news though nothing else on the page has changed", async () => {
  const navigation = new EventTarget();
  vi.stubGlobal("navigation", navigation);
  reload();
  navigation.dispatchEvent(new Event("currententrychange"));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(page.events()).toEqual(["update_context"]);
  page.inspector.stop();
  navigation.dispatchEvent(new Event("currententrychange"));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(page.said).toHaveLength(1);
  vi.unstubAllGlobals();
});

it("a page that is to go on describes itself also when nothing has changed", async () => {
  show("<button>Buy</button>");
  await page.inspector.tell();
  await page.inspector.tell("continue_task");
  expect(page.events()).toEqual(["update_context", "continue_task"]);
  expect(page.said[1]!.payload).toEqual(page.said[0]!.payload);
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
