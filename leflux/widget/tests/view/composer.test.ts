// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Screen } from "./harness.js";

let screen: Screen;
beforeEach(() => {
  screen = new Screen();
  screen.render();
});
afterEach(() => screen.close());

describe("sending", () => {
  it("by Enter and by the button, and then the field is empty", () => {
    screen.type("  one ");
    expect(screen.press("Enter").defaultPrevented).toBe(true);
    expect(screen.view.draft()).toBe("");
    screen.type("two");
    screen.part("send").click();
    expect(screen.asked()).toEqual([["send", "one"], ["send", "two"]]);
    expect(screen.focused).toBe(screen.input);
  });

  it.each([{ shiftKey: true }, { isComposing: true }, { keyCode: 229 }])("not by Enter with %s", (more) => {
    screen.type("one");
    expect(screen.press("Enter", screen.input, more).defaultPrevented).toBe(false);
    expect(screen.asked()).toEqual([]);
  });

  it("not when there is nothing to send", () => {
    screen.type(" \n ");
    screen.press("Enter");
    expect(screen.asked()).toEqual([]);
  });

  it("keeps a text that is too long, and says by how much", () => {
    screen.render({ maxChars: 10 });
    screen.type("x".repeat(12));
    screen.press("Enter");
    expect(screen.asked()).toEqual([]);
    expect(screen.view.draft().length).toBe(12);
    expect(screen.input.getAttribute("aria-invalid")).toBe("true");
    expect(screen.all(".over")[0]!.textContent).toContain("2");
    screen.type("x".repeat(10));
    screen.press("Enter");
    expect(screen.asked().length).toBe(1);
  });

  it("counts characters as the server does", () => {
    screen.render({ maxChars: 4 });
    screen.type("🙂🙂🙂🙂");
    screen.press("Enter");
    expect(screen.asked()).toEqual([["send", "🙂🙂🙂🙂"]]);
  });
});

describe("what is typed is never lost", () => {
  it("stays while the tab is read-only, with the focus, and Enter hands it over", () => {
    screen.view.focusInput();
    screen.type("half a sent");
    screen.render({ readOnly: true, notice: "taken-over" });
    expect([screen.input.readOnly, screen.input.getAttribute("aria-disabled")]).toEqual([true, "true"]);
    expect([screen.view.draft(), screen.focused]).toEqual(["half a sent", screen.input]);
    screen.press("Enter");
    expect(screen.asked()).toEqual([["send", "half a sent"]]);
    screen.render();
    expect([screen.input.readOnly, screen.focused]).toEqual([false, screen.input]);
  });

  it.each(["refuses", "throws"])("stays when saving %s", (how) => {
    screen.refuses = how;
    screen.type("my words");
    try {
      screen.press("Enter");
    } catch {
      // happy-dom passes on what a handler throws.
    }
    expect(screen.view.draft()).toBe("my words");
  });

  it("is restored after a reload", () => {
    screen.view.setDraft("unsent");
    screen.render();
    expect(screen.view.draft()).toBe("unsent");
    expect(screen.all(".field")[0]!.dataset["text"]).toBe("unsent");
  });

  it("survives closing and opening", () => {
    screen.type("later");
    screen.render({ open: false });
    screen.render();
    expect(screen.view.draft()).toBe("later");
  });
});
