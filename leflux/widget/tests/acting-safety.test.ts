// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { close, open, type Page, shop, show } from "./page.js";

let page: Page;

const field = (): HTMLInputElement => document.querySelector("input")!;

beforeEach(() => {
  page = open();
});

afterEach(() => close(page));

const away = "https://elsewhere.example/collect";

it.each([
  ["a link to another site", `<a href="${away}">Go</a>`, "forbidden_url"],
  ["a link that says no scheme", '<a href="//elsewhere.example/x">Go</a>', "forbidden_url"],
  ["a script in a link", '<a href="javascript:alert(1)">Go</a>', "forbidden_url"],
  ["a script in a link, spelled oddly", '<a href=" JaVaScRiPt:alert(1)">Go</a>', "forbidden_url"],
  ["data in a link", '<a href="data:text/html,x">Go</a>', "forbidden_url"],
  ["a button inside of such a link", `<a href="${away}"><button type="button">Go</button></a>`, "forbidden_url"],
  ["a button of a form of another site", `<form action="${away}"><button>Go</button></form>`, "foreign_form"],
  ["a button that sends a form elsewhere", `<form action="/own"><button formaction="${away}">Go</button></form>`, "foreign_form"],
  ["a button beside its form", `<form id="f" action="${away}"></form><button form="f">Go</button>`, "foreign_form"],
  ["an input that submits", `<form action="${away}"><input type="submit" value="Go"></form>`, "foreign_form"],
  ["a form whose action is hidden by a field", `<form action="${away}"><input name="action"><button>Go</button></form>`, "foreign_form"],
  ["a form that runs a script", '<form action="javascript:alert(1)"><button>Go</button></form>', "foreign_form"],
])("a click that leads away is refused: %s", async (_, html, error) => {
  show(html);
  const clicked = vi.fn((event: Event) => event.preventDefault());
  document.body.addEventListener("click", clicked, { once: true });
  await page.run({ action: "click", target: { name: "Go" } });
  expect([clicked.mock.calls.length, page.results]).toEqual([0, [error]]);
});

it("the site's other hosts are its own", async () => {
  show('<a href="https://shop.example/x">Shop</a><a href="https://help.shop.example/x">Help</a><a href="https://notshop.example/">No</a>');
  for (const link of document.querySelectorAll("a")) link.addEventListener("click", (event) => event.preventDefault());
  page.hosts = ["shop.example", ".shop.example"];
  for (const name of ["Shop", "Help", "No"]) await page.run({ action: "click", target: { name } });
  expect(page.results).toEqual([true, true, "forbidden_url"]);
});

it.each([
  ["its form", `<form action="${away}"><label>Email <input></label></form>`],
  ["the button that Enter presses", `<form action="/own"><label>Email <input></label><button formaction="${away}">Next</button></form>`],
])("nothing is typed into a field that %s would send to another site", async (_, html) => {
  show(html);
  await page.run({ action: "type", target: { label: "Email" }, inputData: "ada@example.com" });
  expect([field().value, page.results]).toEqual(["", ["foreign_form"]]);
});

it.each([
  ["display: none", "display:none"],
  ["visibility: hidden", "visibility:hidden"],
  ["opacity: 0", "opacity:0"],
  ["a clip", "clip-path:inset(100%)"],
])("an element that is hidden by %s is not used", async (_, style) => {
  const { clicked } = await shop(page, `<div style="${style}"><button>Buy</button></div>`);
  const run = page.run({ action: "click", target: { name: "Buy" } });
  await vi.advanceTimersByTimeAsync(6_000);
  await run;
  expect([clicked, page.results]).toEqual([[], ["element_missing"]]);
});

it("two that bear the name are asked about; one of them that is hidden does not count", async () => {
  const { clicked } = await shop(page, '<button id="one">Buy</button><button id="two">Buy</button>');
  const run = page.run({ action: "click", target: { name: "Buy" } });
  await vi.advanceTimersByTimeAsync(6_000);
  await run;
  document.querySelector<HTMLElement>("#one")!.style.visibility = "hidden";
  await page.run({ action: "click", target: { name: "Buy" } });
  expect([clicked, page.results]).toEqual([["two"], ["ambiguous", true]]);
});

it("what lies over the element is named, and the chat itself is not in the way", async () => {
  const { clicked } = await shop(page, '<button>Buy</button><div role="dialog" aria-label="Cookies"><p>We use cookies</p></div>');
  document.elementsFromPoint = () => [document.createElement("leflux-widget"), document.querySelector("p")!, document.querySelector("button")!];
  const run = page.run({ action: "click", target: { name: "Buy" } });
  await vi.advanceTimersByTimeAsync(6_000);
  await run;
  const { result } = page.said.filter(({ event }) => event === "action_complete").at(-1)!.payload;
  expect([clicked, result]).toEqual([[], { success: false, error: "covered", description: "Cookies" }]);
});

it.each([
  ["submits", "<form><button>Next</button></form>", "Next"],
  ["has no name", '<button type="button" class="icon"></button>', ""],
  ["is called otherwise than the plan says", "<button>Next: pay now</button>", "Next"],
])("a click that the visitor has not agreed to is asked about when it %s", async (_, html, name) => {
  const { ids, clicked } = await shop(page, html);
  document.querySelector("form")?.addEventListener("submit", (event) => event.preventDefault());
  const target = name === "" ? { elementId: ids[""]!, target: { role: "button" } } : { target: { name } };
  await page.run({ action: "click", guarded: true, ...target });
  expect([clicked.length, page.results]).toEqual([0, ["consent_needed"]]);
  await page.run({ action: "click", ...target });
  expect([clicked.length, page.results]).toEqual([1, ["consent_needed", true]]);
});

it("a harmless click needs no consent", async () => {
  const { clicked } = await shop(page, "<button>Menu</button>");
  await page.run({ action: "click", guarded: true, target: { name: "menu" } });
  expect([clicked, page.results]).toEqual([["Menu"], [true]]);
});
