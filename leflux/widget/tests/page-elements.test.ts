// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { close, open, type Page, show } from "./page.js";

let page: Page;

beforeEach(() => {
  page = open();
});

afterEach(() => close(page));

/** Shows the page. Returns the clicks on its buttons. */
function clicksOn(html: string): string[] {
  show(html);
  const clicked: string[] = [];
  for (const button of document.querySelectorAll("button")) {
    button.addEventListener("click", () => clicked.push(button.id || button.textContent!));
  }
  return clicked;
}

it.each([
  ["#buy", "buy"],
  ["[", null],
  ["#none", null],
])("the selector %s finds %s", async (selector, id) => {
  const clicked = clicksOn('<button id="buy">Buy</button>');
  const run = page.run({ action: "click", target: { selector } });
  await vi.advanceTimersByTimeAsync(6_000);
  await run;
  expect([clicked, page.results]).toEqual(id === null ? [[], ["element_missing"]] : [[id], [true]]);
});

it("a name is matched as a whole, then by its beginning, then by a part of it, and only within the role", async () => {
  const clicked = clicksOn('<a href="#x">Buy</a><button>You may buy</button><button>Buy now</button><button>Buy</button>');
  for (const name of ["BUY", "buy n", "may"]) await page.run({ action: "click", target: { role: "button", name } });
  expect(clicked).toEqual(["Buy", "Buy now", "You may buy"]);
  const run = page.run({ action: "click", target: { role: "button" } });
  await vi.advanceTimersByTimeAsync(6_000);
  await run;
  expect(page.results.at(-1)).toBe("element_missing");
});

it("roles and names come from what the page says, else from the element", async () => {
  show(`
    <span id="who">Ada's</span><span id="what">cart</span>
    <button aria-labelledby="who what missing">x</button>
    <input type="submit" value="Send">
    <input type="checkbox" title="Agree">
    <input type="search" placeholder="Search">
    <div role="tab">Tab</div>
    <select title="Size"></select>
    <div contenteditable="true" title="Note"></div>`);
  await page.inspector.send();
  const { elements } = page.said.at(-1)!.payload["context"] as { elements: { role: string; name: string }[] };
  expect(elements.map(({ role, name }) => [role, name])).toEqual([
    ["button", "Ada's cart"],
    ["button", "Send"],
    ["checkbox", "Agree"],
    ["textbox", "Search"],
    ["tab", "Tab"],
    ["combobox", "Size"],
    ["textbox", "Note"],
  ]);
});
