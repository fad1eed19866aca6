// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Step } from "../src/protocol.js";
import { close, open, Page, shop, show } from "./page.js";

let page: Page;

const field = (): HTMLInputElement => document.querySelector("input")!;

beforeEach(() => {
  page = open();
});

afterEach(() => close(page));

/** Loads the document again, with a new widget. */
function reload(): void {
  page.inspector.stop();
  page = new Page();
}

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

it("an id that means another element after a reload is not believed: role and name tell which one was meant", async () => {
  const before = await shop(page, "<button>Save</button><button>Delete</button>");
  reload();
  const after = await shop(page, "<button>Delete</button><button>Help</button><button>Save</button>");
  expect(Object.values(after.ids)).not.toContain(before.ids["Save"]);
  await page.run({ action: "click", elementId: before.ids["Save"]!, target: { role: "button", name: "Save" } });
  expect([after.clicked, page.results]).toEqual([["Save"], [true]]);
});

it("an id of this very page whose element has become another one is not believed either", async () => {
  const { ids, clicked } = await shop(page, "<button>Save</button>");
  document.querySelector("button")!.textContent = "Delete";
  const run = page.run({ action: "click", elementId: ids["Save"]!, target: { role: "button", name: "Save" } });
  await vi.advanceTimersByTimeAsync(6_000);
  await run;
  expect([clicked, page.results]).toEqual([[], ["element_missing"]]);
});

it.each([
  ["nothing is called so any more", "<button>Delete</button>", "element_missing"],
  ["only a part of another name fits", "<button>Save and close the account</button>", "element_missing"],
  ["another kind of element is called so", '<a href="#x">Save</a>', "element_missing"],
  ["several are called so", '<button id="first">Save</button><button id="second">Save</button>', "ambiguous"],
  ["links of that name lead to several places", '<a role="button" href="#x">Save</a><a role="button" href="#y">Save</a>', "ambiguous"],
])("after a reload the visitor is asked when %s", async (_, html, error) => {
  const { ids } = await shop(page, "<button>Save</button>");
  reload();
  const { clicked } = await shop(page, html);
  const run = page.run({ action: "click", elementId: ids["Save"]!, target: { role: "button", name: "Save" } });
  await vi.advanceTimersByTimeAsync(6_000);
  await run;
  expect([clicked, page.results]).toEqual([[], [error]]);
});

it("several links to one address are one to a plan", async () => {
  const { ids } = await shop(page, '<a href="#x">Save</a>');
  reload();
  show('<a href="#x">Save</a><a href="#x">Save</a>');
  await page.run({ action: "click", elementId: ids["Save"]!, target: { role: "link", name: "Save" } });
  expect(page.results).toEqual([true]);
});

it("without a reload the id tells apart what is called alike", async () => {
  const { ids, clicked } = await shop(page, '<button id="first">Add</button><button id="second">Add</button>');
  await page.run({ action: "click", elementId: ids["Add"]!, target: { role: "button", name: "Add" } });
  expect(clicked).toEqual(["second"]);
});

it("an element without a name is its id's alone, and an id without a target is nobody's", async () => {
  const { ids, clicked } = await shop(page, '<button id="bare"></button>');
  await page.run({ action: "click", elementId: ids[""]!, target: { role: "button" } });
  expect(clicked).toEqual(["bare"]);
  reload();
  const again = await shop(page, '<button id="bare"></button>');
  const runs = [page.run({ action: "click", elementId: ids[""]!, target: { role: "button" } })];
  await vi.advanceTimersByTimeAsync(6_000);
  runs.push(page.run({ action: "click", elementId: ids[""]! }));
  await vi.advanceTimersByTimeAsync(6_000);
  await Promise.all(runs);
  expect([again.clicked, page.results]).toEqual([[], ["element_missing", "element_missing"]]);
});

it("the visitor sees how far it is, also when a reload has left only a part of the steps to run", async () => {
  show("<button>Buy</button>");
  const step = (id: string, name = "Buy"): Step => ({ id, action: "click", target: { name }, description: `press ${id}`, expectUrl: "", status: "pending" });
  const seen: unknown[] = [];
  page.chat.changed = () => seen.push({ ...page.progress.task });
  page.progress.state({ taskId: "t", status: "held", cursor: 1, progressBy: 0, steps: [{ ...step("a"), status: "done" }, step("b"), step("c")] });
  page.progress.plan({ taskId: "t", actions: [step("b"), step("c")], hosts: [], isSequence: true, resumed: true });
  expect(page.progress.task).toEqual({ taskId: "t", done: 1, total: 3, description: "press b", status: "running" });
  await page.executor.start({ taskId: "t", actions: [step("b"), step("c")], hosts: [], isSequence: true });
  expect(seen).toEqual([2, 3].map((done) => ({ taskId: "t", done, total: 3, description: done === 2 ? "press c" : "", status: "running" })));
});

const goTo = (path: string): void => history.pushState(null, "", path);

it("a step that is done already does not run again", async () => {
  const { clicked } = await shop(page, "<button>Buy</button>");
  await page.run({ action: "click", target: { name: "Buy" }, status: "done" }, { action: "wait", waitDuration: 0, status: "done" });
  expect([clicked, page.results, page.events().at(-1)]).toEqual([[], [], "sequence_complete"]);
});

it("a step waits for its time and no longer", async () => {
  const run = page.run({ action: "wait", waitDuration: 700 }, { action: "wait" });
  await vi.advanceTimersByTimeAsync(699);
  expect(page.results).toEqual([]);
  await vi.advanceTimersByTimeAsync(10);
  await run;
  expect(page.results).toEqual([true, true]);
});

it("scrolling to an element brings it into view and touches nothing", async () => {
  const { clicked } = await shop(page, "<button>Buy</button>");
  const scroll = vi.spyOn(Element.prototype, "scrollIntoView").mockImplementation(() => undefined);
  await page.run({ action: "scroll_to", target: { name: "Buy" } });
  expect([scroll.mock.calls, clicked, page.results]).toEqual([[[{ block: "center", behavior: "instant" }]], [], [true]]);
});

it.each([
  ["b", "b"],
  ["Blue", "b"],
  ["dark", "d"],
])("a choice is found by its value, its text or a part of it: %s", async (inputData, value) => {
  show('<select aria-label="Colour"><option value="r">Red</option><option value="b">Blue</option><option value="d">Dark grey</option></select>');
  await page.run({ action: "select", target: { name: "Colour" }, inputData });
  expect([document.querySelector("select")!.value, page.results]).toEqual([value, [true]]);
});

it("a choice that does not exist is reported, and so is an element that takes no text", async () => {
  show('<select aria-label="Colour"><option>Red</option></select><button>Buy</button><a href="#x">Terms</a>');
  await page.run({ action: "select", target: { name: "Colour" }, inputData: "Violet" });
  await page.run({ action: "type", target: { name: "Terms" }, inputData: "text" });
  expect(page.results).toEqual(["element_missing", "element_missing"]);
});

it("text goes into an editable element, and an empty text empties a field", async () => {
  show('<div role="textbox" contenteditable="true" aria-label="Note"></div><input aria-label="Name" value="old">');
  const note = document.querySelector<HTMLElement>("div")!;
  Object.defineProperty(note, "isContentEditable", { value: true });
  await page.run({ action: "type", target: { name: "Note" }, inputData: "hello" }, { action: "type", target: { name: "Name" } });
  expect([note.textContent, field().value, page.results]).toEqual(["hello", "", [true, true]]);
});

it("a navigation uses the page's own link where there is one", async () => {
  goTo("/");
  show('<a href="/cart" target="_blank">Window</a><a href="/cart/" id="own">Cart</a>');
  const used: string[] = [];
  for (const link of document.querySelectorAll("a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      used.push(link.id);
      goTo("/cart");
    });
  }
  await page.run({ action: "navigate", url: "/cart" });
  expect([used, page.results, location.pathname]).toEqual([["own"], [true], "/cart"]);
});

it("a navigation to the page itself is done at once, and one without a link changes the address", async () => {
  goTo("/cart");
  const assign = vi.spyOn(document.location, "assign").mockImplementation((url) => goTo(String(url)));
  await page.run({ action: "navigate", url: "/cart" });
  expect(assign).not.toHaveBeenCalled();
  await page.run({ action: "navigate", url: "/terms" }, { action: "navigate" });
  expect([assign.mock.calls, page.results]).toEqual([[["/terms"]], [true, true, true]]);
});

it("a page that is not reached within twenty seconds is reported with where the visitor is", async () => {
  goTo("/cart");
  show("<button>Pay</button>");
  const run = page.run({ action: "click", target: { name: "Pay" }, url: "/paid" });
  await vi.advanceTimersByTimeAsync(21_000);
  await run;
  const { result } = page.said.find(({ event }) => event === "action_complete")!.payload as { result: object };
  expect(result).toEqual({ success: false, error: "page_not_reached", url: location.href });
});

it("a plan for the step that is running is ignored, and one for another step is not", async () => {
  show("<button>Buy</button>");
  const clicked = vi.fn();
  document.querySelector("button")!.addEventListener("click", clicked);
  const first = page.run({ action: "wait", waitDuration: 1_000 }, { action: "click", target: { name: "Buy" } });
  await vi.advanceTimersByTimeAsync(500);
  const again = page.run({ action: "wait", waitDuration: 1_000 }, { action: "click", target: { name: "Buy" } });
  await vi.advanceTimersByTimeAsync(3_000);
  await Promise.all([first, again]);
  expect(clicked).toHaveBeenCalledTimes(1);
  expect(page.events().filter((event) => event === "action_started")).toHaveLength(2);
});

it("a report without an answer is repeated until the server has it", async () => {
  show("<button>Buy</button>");
  const clicked = vi.fn();
  document.querySelector("button")!.addEventListener("click", clicked);
  page.loses = 3;
  const run = page.run({ action: "click", target: { name: "Buy" } });
  await vi.advanceTimersByTimeAsync(3_000);
  await run;
  expect([clicked.mock.calls.length, page.results]).toEqual([1, [true]]);
  expect(page.events().filter((event) => event === "action_started")).toHaveLength(4);
});
