// @vitest-environment happy-dom
// The same table is read by tests/unit/tasks/test_sensitive.py: widget and server apply one rule.
import { expect, it } from "vitest";
import { factsOf, nameOf, type Usable } from "../src/page-elements.js";
import { isForbidden } from "../src/page-fields.js";
import markups from "./fields.json";

function target(html: string): Usable {
  document.body.innerHTML = html;
  return document.querySelector<Usable>("[data-it]") ?? document.querySelector<Usable>("input,select,textarea")!;
}

it.each(markups.forbidden)("is never filled: %s", (html) => {
  expect(isForbidden(target(html))).toBe(true);
});

it.each(markups.harmless)("may be filled: %s", (html) => {
  expect(isForbidden(target(html))).toBe(false);
});

it.each([...markups.forbidden, ...markups.harmless])("the server is told all that it needs to know of %s", (html) => {
  const it_ = target(html);
  const tell = (element: Usable) => ({ name: nameOf(element), ...factsOf(element) });
  const told = { it: tell(it_), all: [...document.querySelectorAll<Usable>("input,select,textarea")].map(tell) };
  expect(told).toEqual((markups.told as Record<string, unknown>)[html]);
});
