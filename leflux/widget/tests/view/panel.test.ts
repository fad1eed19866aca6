// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { NoticeKind } from "../../src/types.js";
import { CALM, message, Screen } from "./harness.js";

let screen: Screen;
beforeEach(() => {
  screen = new Screen();
});
afterEach(() => {
  screen.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the element", () => {
  it("stands at the end of the body in an open shadow root, without inline styles", () => {
    screen.render({ messages: [message("a")], task: { taskId: "t", done: 1, total: 2, description: "d", status: "running" } });
    expect(document.body.lastElementChild!.localName).toBe("leflux-widget");
    expect(screen.shadow.mode).toBe("open");
    expect(screen.all("[style]")).toEqual([]);
    expect(screen.shadow.adoptedStyleSheets.length).toBe(1);
  });

  it("has every part that the protocol names", () => {
    screen.render({ messages: [message("a")], notice: "offline" });
    for (const name of ["launcher", "panel", "header", "messages", "message", "input", "send", "notice", "clear", "dock", "close"]) {
      expect(screen.parts(name).length, name).toBe(1);
    }
  });

  it("comes back when the page replaces its body", async () => {
    screen.render();
    const body = document.createElement("body");
    document.documentElement.replaceChild(body, document.body);
    await vi.waitFor(() => expect(document.body.querySelector("leflux-widget")).not.toBeNull(), { timeout: 20_000 });
  });

  it("goes for good when it is destroyed", async () => {
    screen.view.destroy();
    document.body.append(document.createElement("p"));
    await Promise.resolve();
    expect(document.querySelector("leflux-widget")).toBeNull();
  });

  it("shows the site's colour, side and theme", () => {
    screen.render({ config: { theme: "dark", position: "left", primaryColor: "#006644" } });
    const root = screen.all(".root")[0]!;
    expect(root.dataset).toMatchObject({ theme: "dark", position: "left" });
    const rules = screen.shadow.adoptedStyleSheets.flatMap((sheet) => [...sheet.cssRules].map(({ cssText }) => cssText));
    expect(rules.join()).toContain("#006644");
  });
});

describe("focus and keys", () => {
  beforeEach(() => vi.spyOn(document, "hasFocus").mockReturnValue(true));

  it("goes into the input on opening and back to the launcher on closing", () => {
    screen.render({ open: false });
    screen.part("launcher").click();
    screen.render();
    expect(screen.focused).toBe(screen.input);
    screen.part("close").click();
    screen.render({ open: false });
    expect(screen.focused).toBe(screen.part("launcher"));
    expect(screen.asked()).toEqual([["open"], ["close"]]);
  });

  it("is not taken from the page by a script that opens the chat", () => {
    screen.render({ open: false });
    screen.render();
    expect(screen.focused).toBeNull();
  });

  it("is not taken from the page by a chat that was open before the reload", () => {
    screen.render();
    expect(screen.focused).toBeNull();
  });

  it("is not taken in a window that only mirrors another one", () => {
    vi.spyOn(document, "hasFocus").mockReturnValue(false);
    screen.render({ open: false });
    screen.render();
    expect(screen.focused).toBeNull();
  });

  it("stays in the input while messages come", () => {
    screen.render();
    screen.view.focusInput();
    screen.render({ messages: [message("a")], typing: true, notice: "reconnecting" });
    expect(screen.focused).toBe(screen.input);
  });

  it("goes to the input when what had it is gone", () => {
    const failed = message("f", { role: "visitor", status: "failed" });
    screen.render({ messages: [failed] });
    screen.button("Discard").focus();
    screen.render();
    expect(screen.focused).toBe(screen.input);
  });

  it("Escape closes the menu, then the panel", () => {
    screen.render();
    screen.button("Menu").click();
    expect(screen.focused).toBe(screen.part("clear"));
    screen.press("Escape", screen.part("clear"));
    expect(screen.all(".menu")[0]!.hidden).toBe(true);
    expect(screen.focused).toBe(screen.button("Menu"));
    expect(screen.asked()).toEqual([]);
    screen.press("Escape", screen.button("Menu"));
    expect(screen.asked()).toEqual([["close"]]);
  });

  it("keeps keys from the page's shortcuts", () => {
    screen.render();
    const heard = vi.fn();
    document.addEventListener("keydown", heard);
    screen.press("k");
    document.removeEventListener("keydown", heard);
    expect(heard).not.toHaveBeenCalled();
    expect(screen.calls).toContainEqual(["used"]);
  });
});

describe("the menu", () => {
  function hold(type: string, more: PointerEventInit = {}): void {
    screen.part("header").dispatchEvent(new PointerEvent(type, { bubbles: true, composed: true, button: 0, ...more }));
  }

  it("shows “Clear conversation” after a long press on the header", () => {
    vi.useFakeTimers();
    screen.render();
    expect(screen.all(".menu")[0]!.hidden).toBe(true);
    hold("pointerdown");
    vi.advanceTimersByTime(600);
    hold("pointerup");
    expect(screen.all(".menu")[0]!.hidden).toBe(false);
    screen.part("clear").click();
    expect(screen.asked()).toEqual([["clear"]]);
    expect(screen.all(".menu")[0]!.hidden).toBe(true);
  });

  it.each(["pointerup", "pointercancel", "pointermove"])("stays away when a %s comes first", (type) => {
    vi.useFakeTimers();
    screen.render();
    hold("pointerdown");
    hold(type, { clientX: 60 });
    vi.advanceTimersByTime(2_000);
    expect(screen.all(".menu")[0]!.hidden).toBe(true);
  });

  it("asks before it forgets a conversation", () => {
    screen.render();
    screen.button("Menu").click();
    screen.button("Forget this conversation").click();
    expect(screen.asked()).toEqual([]);
    expect(screen.focused).toBe(screen.button("Keep"));
    screen.button("Keep").click();
    expect(screen.asked()).toEqual([]);
    screen.button("Menu").click();
    screen.button("Forget this conversation").click();
    screen.button("Erase").click();
    expect(screen.asked()).toEqual([["forget"]]);
  });

  it("docks and undocks", () => {
    screen.render();
    screen.part("dock").click();
    screen.render({ docked: true });
    screen.part("dock").click();
    expect(screen.asked()).toEqual([["dock"], ["undock"]]);
    expect(screen.part("dock").getAttribute("aria-label")).toBe("Undock");
  });
});

describe("notices", () => {
  const kinds: NoticeKind[] = [
    "reconnecting", "offline", "taken-over", "storage-blocked", "storage-full", "too-long", "rate-limited",
    "unavailable", "refused",
  ];

  it.each(kinds)("%s is named and said", (notice) => {
    screen.render({ notice });
    expect(screen.part("notice").dataset["kind"]).toBe(notice);
    expect(screen.part("notice").hidden).toBe(false);
    expect(screen.part("notice").textContent).not.toBe("");
    screen.render();
    expect(screen.part("notice").hidden).toBe(true);
    expect(screen.part("notice").hasAttribute("data-kind")).toBe(false);
  });
});

describe("the launcher", () => {
  it("counts what has not been read", () => {
    screen.render({ open: false, unread: 3 });
    expect(screen.part("launcher").textContent).toBe("Open chat New messages: 3");
    screen.render({ open: false, unread: 250 });
    expect(screen.all(".badge")[0]!.textContent).toBe("99+");
    screen.render();
    expect(screen.all(".badge")[0]!.hidden).toBe(true);
  });

  it("is not there when the site hides it", () => {
    screen.render({ open: false, launcherVisible: false });
    expect(screen.part("launcher").hidden).toBe(true);
  });
});

describe("tasks", () => {
  it("show how far they are, and can be cancelled", () => {
    const task = { taskId: "t", done: 2, total: 5, description: "Filling in", status: "running" } as const;
    screen.render({ task });
    const bar = screen.all("progress")[0] as HTMLProgressElement;
    expect([bar.getAttribute("value"), bar.getAttribute("max")]).toEqual(["2", "5"]);
    expect(screen.all(".progress")[0]!.textContent).toContain("2 of 5");
    screen.button("Cancel").click();
    screen.render({ task: { ...task, status: "held" } });
    expect(screen.all(".progress")[0]!.textContent).toContain("Paused");
    screen.render();
    expect(screen.all(".progress")[0]!.hidden).toBe(true);
    expect(screen.asked()).toEqual([["cancelTask"]]);
  });

  it("ask, once, and are answered", () => {
    const confirmation = { taskId: "t", actionId: "a", message: "Submit?", confirmLabel: "Yes", cancelLabel: "No" };
    const messages = [message("v", { role: "visitor" })];
    screen.render({ messages });
    screen.render({ messages, confirmation });
    const yes = screen.button("Yes");
    screen.render({ messages, confirmation: { ...confirmation } });
    expect(screen.button("Yes")).toBe(yes);
    expect(screen.spoken()).toEqual(["Submit?"]);
    yes.click();
    screen.button("No").click();
    expect(screen.asked()).toEqual([["confirm", true], ["confirm", false]]);
    screen.render();
    expect(screen.button("Yes")).toBeUndefined();
  });
});

describe("quick chips", () => {
  it("say their text, until the visitor has said something", () => {
    const config = { chips: ["Prices", "Book"], greeting: "Welcome" };
    screen.render({ config });
    expect(screen.part("messages").textContent).toContain("Welcome");
    screen.button("Prices").click();
    expect(screen.asked()).toEqual([["send", "Prices"]]);
    screen.render({ config, messages: [message("v", { role: "visitor" })] });
    expect(screen.all(".chips")[0]!.hidden).toBe(true);
  });
});

it("draws the same state twice without touching the page", async () => {
  const state = { ...CALM, messages: [message("a"), message("b", { role: "visitor" })], notice: "offline" as const, unread: 2 };
  screen.view.render(state);
  const records: MutationRecord[] = [];
  const observer = new MutationObserver((found) => records.push(...found));
  observer.observe(screen.shadow, { subtree: true, childList: true, attributes: true, characterData: true });
  screen.view.render(state);
  await Promise.resolve();
  observer.disconnect();
  expect(records).toEqual([]);
});
