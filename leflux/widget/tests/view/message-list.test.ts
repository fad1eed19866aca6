// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { message, NOON, Screen } from "./harness.js";

let screen: Screen;
/** Fires the resize observer, as the browser does after a change of size. */
let grow: () => void;

beforeEach(() => {
  class Sizes {
    constructor(heard: () => void) {
      grow = heard;
    }
    observe(): void {}
    disconnect(): void {}
  }
  vi.stubGlobal("ResizeObserver", Sizes);
  screen = new Screen();
});
afterEach(() => {
  screen.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the first drawing", () => {
  it.each([
    [300, 660, 1],
    [720, 660, 3],
    [720, 10, 15],
    [2_000, 10, 15],
  ])("in a window of %d px, messages of %d letters: %d at once, and soon all", (height, letters, count) => {
    vi.useFakeTimers();
    vi.stubGlobal("outerHeight", height);
    screen.render({ messages: Array.from({ length: 30 }, (_, index) => message(`m${index}`, { text: "x".repeat(letters) })) });
    expect(screen.parts("message").length).toBe(count);
    expect(screen.parts("message").at(-1)!.dataset["id"]).toBe("id-m29");
    vi.runOnlyPendingTimers();
    expect(screen.parts("message").length).toBe(30);
  });

  it("does not fade in a panel that was left open, and does when it is opened", () => {
    screen.render({ messages: [message("a")] });
    expect(screen.all("[data-moved]")).toEqual([]);
    screen.render({ open: false });
    screen.render();
    expect(screen.all("[data-moved]").length).toBe(1);
  });
});

describe("drawing the difference", () => {
  it("keeps every node that stays", () => {
    screen.render({ messages: [message("a"), message("b")] });
    const [a, b] = screen.parts("message");
    screen.render({ messages: [message("a"), message("b"), message("c")] });
    screen.render({ messages: [message("b"), message("c")] });
    const [first, second] = screen.parts("message");
    expect(first).toBe(b);
    expect(second!.dataset["id"]).toBe("id-c");
    expect(a!.isConnected).toBe(false);
  });

  it("follows a message from the outbox to its place in the conversation", () => {
    const sending = message("k", { role: "visitor", id: null, seq: null, status: "sending" });
    screen.render({ messages: [sending] });
    const [bubble] = screen.parts("message");
    expect(bubble!.dataset).toMatchObject({ role: "visitor", status: "sending" });
    expect(bubble!.hasAttribute("data-seq")).toBe(false);
    screen.render({ messages: [{ ...sending, id: "stored", seq: 7, status: "sent" }] });
    expect(screen.parts("message")).toEqual([bubble]);
    expect(bubble!.dataset).toMatchObject({ id: "stored", seq: "7", status: "sent" });
  });

  it("changes nothing but the reply while a thousand chunks come", async () => {
    const old = Array.from({ length: 15 }, (_, index) => message(`m${index}`));
    screen.render({ messages: old });
    const records: MutationRecord[] = [];
    const observer = new MutationObserver((found) => records.push(...found));
    observer.observe(screen.all(".list")[0]!, { childList: true });
    const before = screen.parts("message");
    let text = "";
    for (let chunk = 0; chunk < 1_000; chunk++) {
      text += `word${chunk} `;
      screen.render({ messages: [...old, message("s", { text, streaming: true })] });
    }
    await Promise.resolve();
    observer.disconnect();
    expect(screen.parts("message").slice(0, 15)).toEqual(before);
    expect(screen.parts("message").at(-1)!.textContent).toContain("word999");
    expect(records.length).toBe(1);
  });

  it("keeps the finished paragraphs of a reply that is still being written", () => {
    screen.render({ messages: [message("s", { text: "One.\n\nTw", streaming: true })] });
    const [first] = screen.all(".message > p");
    screen.render({ messages: [message("s", { text: "One.\n\nTwo.", streaming: true })] });
    expect(screen.all(".message > p")[0]).toBe(first);
    expect(screen.all(".message > p")[1]!.textContent).toBe("Two.");
  });

  it("puts the messages in the order it is given", () => {
    screen.render({ messages: [message("a"), message("b"), message("c")] });
    screen.render({ messages: [message("c"), message("a"), message("b")] });
    expect(screen.parts("message").map(({ dataset }) => dataset["id"])).toEqual(["id-c", "id-a", "id-b"]);
  });

  it("shows what a visitor typed as it was typed", () => {
    screen.render({ messages: [message("v", { role: "visitor", text: "**no** <b>markup</b>\nline" })] });
    expect(screen.part("message").textContent).toBe("**no** <b>markup</b>\nline");
    expect(screen.part("message").children.length).toBe(0);
  });
});

describe("a long conversation", () => {
  const messages = Array.from({ length: 200 }, (_, index) => message(`m${index}`, { ts: NOON + index }));

  it("is painted from its end, and completed in a moment", () => {
    vi.useFakeTimers();
    screen.render({ messages });
    const newest = screen.parts("message");
    expect(newest.length).toBeLessThan(50);
    expect(newest.at(-1)!.dataset["id"]).toBe("id-m199");
    vi.runAllTimers();
    const all = screen.parts("message");
    expect(all.map(({ dataset }) => dataset["id"])).toEqual(messages.map(({ id }) => id));
    expect(all.slice(-newest.length)).toEqual(newest);
    expect(screen.all("time").length).toBeGreaterThan(0);
    expect(screen.spoken()).toEqual([]);
  });

  it("is completed with what has come meanwhile", () => {
    vi.useFakeTimers();
    screen.render({ messages });
    screen.render({ messages: [...messages, message("new")] });
    vi.runAllTimers();
    expect(screen.parts("message").length).toBe(201);
  });
});

describe("statuses", () => {
  it("offers to try a failed message again or to discard it", () => {
    screen.render({ messages: [message("f", { role: "visitor", status: "failed" }), message("z", { role: "visitor" })] });
    screen.button("Try again").click();
    screen.button("Discard").click();
    expect(screen.asked()).toEqual([["retry", "f"], ["discard", "f"]]);
    screen.render({ messages: [message("f", { role: "visitor" }), message("z", { role: "visitor" })] });
    expect(screen.button("Try again")).toBeUndefined();
  });

  it("says that a message is being sent", () => {
    screen.render({ messages: [message("s", { role: "visitor", status: "sending" })] });
    expect(screen.part("messages").textContent).toContain("Sending");
  });
});

describe("dividers", () => {
  it("marks an earlier conversation, where it ends, and each day", () => {
    const day = 86_400_000;
    screen.render({
      messages: [
        message("a", { past: true, ts: NOON }),
        message("b", { past: true, ts: NOON + 1_000 }),
        message("c", { ts: NOON + 2_000 }),
        message("d", { ts: NOON + day }),
      ],
    });
    const lines = screen.all(".divider").map(({ textContent }) => textContent!);
    expect(lines.length).toBe(3);
    expect(lines[0]).toContain("Earlier conversation");
    expect(lines[2]).toContain("Wednesday");
  });

  it("says today", () => {
    screen.render({ messages: [message("a", { ts: Date.now() })] });
    expect(screen.all(".divider")[0]!.textContent).toBe("Today");
  });

  it("lives with a locale that is none", () => {
    screen.render({ messages: [message("a")], locale: "not a locale!" });
    expect(screen.parts("message").length).toBe(1);
  });
});

describe("sources", () => {
  it("are links, and only to places one can go to", () => {
    const sources = [{ title: "Returns", url: "https://a.example/r" }, { title: "Bad", url: "javascript:alert(1)" }, null, 7];
    screen.render({ messages: [message("a", { data: { sources } })] });
    expect(screen.all(".sources a").map((a) => a.getAttribute("href"))).toEqual(["https://a.example/r"]);
  });

  it.each([null, 7, "x", { sources: "x" }, { sources: [] }, []])("%s has none", (data) => {
    screen.render({ messages: [message("a", { data })] });
    expect(screen.all(".sources")).toEqual([]);
  });
});

describe("the live region reads each reply once, when it is finished", () => {
  it("and keeps nothing of a conversation that was forgotten", () => {
    screen.render();
    screen.render({ messages: [message("s", { text: "Hello there" })] });
    expect(screen.spoken()).toEqual(["Hello there"]);
    screen.render({ messages: [] });
    expect(screen.spoken()).toEqual([]);
    expect(screen.shadow.textContent).not.toContain("Hello there");
  });

  it("not each chunk", () => {
    screen.render();
    for (const text of ["Hel", "Hello", "Hello there"]) {
      screen.render({ messages: [message("s", { text, streaming: true })] });
    }
    expect(screen.spoken()).toEqual([]);
    const done = message("s", { text: "Hello there" });
    screen.render({ messages: [done] });
    screen.render({ messages: [done] });
    screen.render({ messages: [{ ...done, seq: 9 }] });
    expect(screen.spoken()).toEqual(["Hello there"]);
  });

  it("not what was painted from the cache, nor the visitor's own words", () => {
    screen.render({ messages: [message("a")] });
    screen.render({ messages: [message("a"), message("v", { role: "visitor" })] });
    expect(screen.spoken()).toEqual([]);
  });

  it("only the newest of a whole restored history", () => {
    screen.render();
    screen.render({ messages: [message("a"), message("b"), message("c")] });
    expect(screen.spoken()).toEqual(["text of c"]);
  });
});

describe("scrolling", () => {
  function measure(scrollTop: number): HTMLElement {
    const list = screen.part("messages");
    Object.defineProperty(list, "scrollHeight", { value: 2_000, configurable: true });
    Object.defineProperty(list, "clientHeight", { value: 500, configurable: true });
    for (const position of [1_500, scrollTop]) {
      list.scrollTop = position;
      list.dispatchEvent(new Event("scroll"));
    }
    return list;
  }

  it("stays at the end when the list has grown before the scroll event of its last scroll arrives", () => {
    screen.render({ messages: [message("a")] });
    const list = measure(1_500);
    Object.defineProperty(list, "scrollHeight", { value: 2_700, configurable: true });
    list.dispatchEvent(new Event("scroll"));
    screen.render({ messages: [message("a"), message("b")] });
    grow();
    expect(list.scrollTop).toBe(2_700);
    expect(screen.button("New messages").hidden).toBe(true);
  });

  it("leaves a reader where they are, and says that there is more", () => {
    screen.render({ messages: [message("a")] });
    const list = measure(200);
    screen.render({ messages: [message("a"), message("b")] });
    grow();
    expect(list.scrollTop).toBe(200);
    expect(screen.button("New messages").hidden).toBe(false);
    screen.button("New messages").click();
    expect(list.scrollTop).toBe(2_000);
    expect(screen.button("New messages").hidden).toBe(true);
  });

  it("follows the conversation at the bottom", () => {
    screen.render({ messages: [message("a")] });
    const list = measure(1_490);
    screen.render({ messages: [message("a"), message("b")] });
    grow();
    expect(list.scrollTop).toBe(2_000);
    expect(screen.button("New messages").hidden).toBe(true);
  });

  it("goes to what the visitor has just sent", () => {
    screen.render({ messages: [message("a")] });
    const list = measure(0);
    screen.render({ messages: [message("a"), message("v", { role: "visitor", status: "sending" })] });
    expect(list.scrollTop).toBe(2_000);
  });
});
