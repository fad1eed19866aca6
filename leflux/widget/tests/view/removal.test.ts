// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it } from "vitest";
import { message, Screen } from "./harness.js";

let screen: Screen;
beforeEach(() => {
  screen = new Screen();
  screen.render({ messages: [message("a")] });
});
afterEach(() => screen.close());

it("each choice of the menu says what it does", () => {
  for (const name of ["clear", "forget"]) {
    const id = screen.part(name).getAttribute("aria-describedby")!;
    expect(screen.shadow.getElementById(id)!.textContent).not.toBe("");
  }
});

it.each(["clear", "forget"] as const)("after %s there is a way back, which is announced", (removal) => {
  screen.render({ removal });
  expect(screen.part("removed").hidden).toBe(false);
  expect(screen.all("[aria-live=polite]")[0]!.textContent).toContain("Undo");
  screen.part("undo").click();
  expect(screen.asked()).toEqual([["undo"]]);
  screen.render({ messages: [message("a")] });
  expect(screen.part("removed").hidden).toBe(true);
});

it("a failed answer can be asked for again, until something follows it", () => {
  const failed = message("b", { kind: "error" });
  screen.render({ messages: [message("a"), failed] });
  screen.part("retry").click();
  expect(screen.asked()).toEqual([["askAgain"]]);
  screen.render({ messages: [message("a"), failed, message("c", { role: "visitor" })] });
  expect(screen.parts("retry")).toEqual([]);
});
