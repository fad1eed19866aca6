// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { markdown } from "../../src/view/markdown.js";

function drawn(text: string): HTMLElement {
  const box = document.createElement("div");
  box.append(markdown(text));
  return box;
}

describe("what an agent writes is text, never markup", () => {
  it.each([
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "**<b onclick=alert(1)>x</b>**",
    "- <svg onload=alert(1)>",
    "`<iframe src=javascript:alert(1)>`",
    "[<img src=x onerror=alert(1)>](https://a.example)",
  ])("%s", (text) => {
    const box = drawn(text);
    expect(box.querySelector("img, script, svg, iframe, b")).toBeNull();
    for (const element of box.querySelectorAll("*")) {
      expect([...element.attributes].filter(({ name }) => name.startsWith("on"))).toEqual([]);
    }
    expect(box.textContent).toContain("<");
  });

  it.each(["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:x"])(
    "does not link to %s",
    (address) => {
      const box = drawn(`[click](${address})`);
      expect(box.querySelector("a")).toBeNull();
      expect(box.textContent).toContain("click");
    },
  );
});

describe("a little formatting", () => {
  it("draws bold, italic, code, lists and links", () => {
    const box = drawn("```js\nx < y\n```\n**b** *i* `c`\n\n- one\n- two\n\n1. three\n\n[name](https://a.example/x)");
    expect(box.querySelector("strong")?.textContent).toBe("b");
    expect(box.querySelector("em")?.textContent).toBe("i");
    expect(box.querySelector("pre")?.textContent).toBe("x < y");
    expect(box.querySelector("p > code")?.textContent).toBe("c");
    expect(box.querySelectorAll("ul > li").length).toBe(2);
    expect(box.querySelectorAll("ol > li").length).toBe(1);
    expect(box.querySelector("a")?.getAttribute("href")).toBe("https://a.example/x");
  });

  it("opens another site in a new tab that cannot reach this one", () => {
    const anchor = drawn("https://other.example/page.").querySelector("a")!;
    expect(anchor.textContent).toBe("https://other.example/page");
    expect(anchor.target).toBe("_blank");
    expect(anchor.rel).toContain("noopener");
  });

  it.each(["2 * 3 * 4", "snake_case_name", "**", "[x](", "a ` b", "**open", "![x]", "```js not a fence"])("leaves %s as it is", (text) => {
    expect(drawn(text).textContent).toBe(text);
  });

  it.each(["*".repeat(20_000), "[".repeat(20_000), "`".repeat(20_000), "https://".repeat(3_000), "x".repeat(5_000)])(
    "keeps every character of a hostile text",
    (text) => {
      expect(drawn(text).textContent!.length).toBeGreaterThan(text.length / 2);
    },
  );
});
