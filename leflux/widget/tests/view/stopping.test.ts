// @vitest-environment happy-dom
// Stopping a reply that is being written, and asking again.

import { afterEach, beforeEach, expect, it } from "vitest";
import { message, Screen } from "./harness.js";

let screen: Screen;

beforeEach(() => {
  screen = new Screen();
});
afterEach(() => screen.close());

function pressEscape(): void {
  screen.part("panel").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
}

it("the stop button is there only while a reply is written", () => {
  screen.render();
  expect(screen.part("stop").hidden).toBe(true);
  screen.render({ writing: true });
  expect(screen.part("stop").hidden).toBe(false);
  screen.part("stop").click();
  expect(screen.asked()).toEqual([["stop"]]);
});

it("Escape stops the reply first and closes the panel only when none is written", () => {
  screen.render({ writing: true });
  pressEscape();
  screen.render({ writing: false });
  pressEscape();
  expect(screen.asked()).toEqual([["stop"], ["close"]]);
});

it("the last question is asked once more, and its answer stays", () => {
  const messages = [message("a", { role: "visitor", text: "How much?" }), message("b", { seq: 2 })];
  screen.render({ messages });
  screen.part("again").click();
  expect(screen.asked()).toEqual([["askAgain"]]);
  screen.render({ messages, writing: true });
  expect(screen.part("again")).toBeNull();
  expect(screen.parts("message")).toHaveLength(2);
});

it.each(["task", "aborted", "question"] as const)("a message of the kind %s is no answer that could be asked for again", (kind) => {
  screen.render({ messages: [message("a", { role: "visitor", text: "Yes" }), message("b", { seq: 2, kind })] });
  expect(screen.part("again")).toBeNull();
});
