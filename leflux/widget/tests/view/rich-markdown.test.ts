// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { isRich, markdown as simple } from "../../src/view/markdown.js";
import { markdown as rich } from "../../src/view/rich-markdown.js";

/** The drawn elements as a short text: `ol3(li(a)li(b))`. */
function shape(text: string, draw = rich, open = false): string {
  const box = document.createElement("div");
  box.append(draw(text, open));
  return inner(box);
}

function inner(node: Element): string {
  return [...node.childNodes].map((child) => (child instanceof Element ? named(child) : child.textContent)).join("");
}

function named(node: Element): string {
  if (node.localName === "br") return "/";
  if (node.localName === "button") return "";
  const start = node.localName === "ol" && node.getAttribute("start") !== "1" ? (node.getAttribute("start") ?? "") : "";
  if (node.localName === "a") return `a<${node.getAttribute("href")}>(${inner(node)})`;
  return node.localName === "div" ? inner(node) : `${node.localName}${start}(${inner(node)})`;
}

describe("blocks", () => {
  it.each([
    ["24. Dezember ist geschlossen", "p(24. Dezember ist geschlossen)"],
    ["Am\n24. Dezember ist geschlossen", "p(Am/24. Dezember ist geschlossen)"],
    ["2. Weltkrieg", "p(2. Weltkrieg)"],
    ["1999. A year", "p(1999. A year)"],
    ["1. one\n2. two", "ol(li(one)li(two))"],
    ["3. three\n4. four", "ol3(li(three)li(four))"],
    ["1. one\n\n2. two\n\n3. three", "ol(li(one)li(two)li(three))"],
    ["1. one\n\ntext\n\n2. two", "ol(li(one))p(text)ol2(li(two))"],
    ["1. one\n\n- x\n\n2. two", "ol(li(one))ul(li(x))ol2(li(two))"],
    ["1) one\n2) two", "ol(li(one)li(two))"],
    ["- a\n  - b\n    - c\n- d", "ul(li(aul(li(bul(li(c)))))li(d))"],
    ["1. a\n  - b\n2. c", "ol(li(aul(li(b)))li(c))"],
    ["1. a\n   ```\n   x\n   ```\n2. b", "ol(li(apre(code(x)))li(b))"],
    ["- a\n\n  more\n- b", "ul(li(ap(more))li(b))"],
    ["- a\nlazy", "ul(li(a/lazy))"],
    ["- [ ] open\n- [x] done", "ul(li(☐ open)li(☑ done))"],
    ["* a\n* b", "ul(li(a)li(b))"],
    ["text\n- a", "p(text)ul(li(a))"],
    ["> a\n> b\nlazy\n\nnot", "blockquote(p(a/b/lazy))p(not)"],
    ["> - a\n> > b", "blockquote(ul(li(a))blockquote(p(b)))"],
    ["# A\n## B ##\n####### no", "h3(A)h4(B)p(####### no)"],
    ["Title\n===\ntext", "h3(Title)p(text)"],
    ["a\n\n---\n\nb", "p(a)hr()p(b)"],
    ["#hashtag", "p(#hashtag)"],
    ["| a | b |\n|---|:-:|\n| 1 | **2** |\n| 3 |", "table(tr(th(a)th(b))tr(td(1)td(strong(2)))tr(td(3)td()))"],
    ["a | b\n-|-\n1 | x \\| y", "table(tr(th(a)th(b))tr(td(1)td(x | y)))"],
    ["a | b\nno table", "p(a | b/no table)"],
    ["```js\n# x\n- y\n```", "pre(code(# x\n- y))"],
    ["~~~\n```\n~~~", "pre(code(```))"],
    ["```\nopen", "pre(code(open))"],
  ])("%j", (text, drawn) => expect(shape(text)).toBe(drawn));

  it("code has a button that copies it, and no other text", () => {
    const box = document.createElement("div");
    box.append(rich("```\nx < y\n```", false, "Copy code"));
    expect([box.textContent, box.querySelector("button")?.getAttribute("aria-label")]).toEqual(["x < y", "Copy code"]);
  });
});

describe("inside a line", () => {
  it.each([
    ["2*3*4 and 2 * 3 * 4", "2*3*4 and 2 * 3 * 4"],
    ["2**3**4", "2**3**4"],
    ["Kund*innen und Mitarbeiter*innen", "Kund*innen und Mitarbeiter*innen"],
    ["snake_case_name", "snake_case_name"],
    ["これは**重要**です", "これはstrong(重要)です"],
    ["**bold *and* `code`**", "strong(bold em(and) code(code))"],
    ["***both***", "strong(em(both))"],
    ["~~gone~~", "del(gone)"],
    ["\\*no\\* \\# a\\_b", "*no* # a_b"],
    ["`` a ` b ``", "code(a ` b)"],
    ["[**b** x](https://a.example/)", "a<https://a.example/>(strong(b) x)"],
    ["[wiki](https://a.example/x_(y))", "a<https://a.example/x_(y)>(wiki)"],
    ['[t](https://a.example/ "title")', "a<https://a.example/>(t)"],
    ["![a lamp](https://a.example/x.png)", "a<https://a.example/x.png>(a lamp)"],
    ["![](https://a.example/x.png)", "a<https://a.example/x.png>(https://a.example/x.png)"],
    ["<https://a.example/x>", "a<https://a.example/x>(https://a.example/x)"],
    ["see https://a.example/x_(y), ok", "see a<https://a.example/x_(y)>(https://a.example/x_(y)), ok"],
    ["(https://a.example/x).", "(a<https://a.example/x>(https://a.example/x))."],
    ["[call](tel:+4912345) [write](mailto:a@b.example)", "a<tel:+4912345>(call) a<mailto:a@b.example>(write)"],
    ["[x](javascript:alert(1)) ![x](data:text/html,x)", "[x](javascript:alert(1)) ![x](data:text/html,x)"],
  ])("%j", (text, drawn) => expect(shape(text)).toBe(`p(${drawn})`));
});

describe("a link whose label is another address shows its own", () => {
  it.each([
    ["https://bank.example", "https://evil.example/"],
    ["bank.example/login", "https://evil.example/"],
    ["www.bank.example", "https://evil.example/"],
    ["https://bank.example@x", "https://evil.example/"],
    ["bank.\u200bexample", "https://evil.example/"],
    ["ада.example", "https://evil.example/"],
    ["a@bank.example", "mailto:b@evil.example"],
  ])("%s", (label, address) => {
    for (const draw of [simple, rich]) expect(shape(`[${label}](${address})`, draw)).toBe(`p(a<${address}>(${address}))`);
  });

  it.each([
    ["https://www.shop.example/a", "https://shop.example/b"],
    ["shop.example", "https://shop.example/b"],
    ["Node.js", "https://nodejs.example/"],
    ["read more...", "https://shop.example/"],
    ["a@b.example", "mailto:a@b.example"],
    ["+49 (30) 12 34", "tel:+49301234"],
  ])("%s may stay", (label, address) => {
    for (const draw of [simple, rich]) expect(shape(`[${label}](${address})`, draw)).toBe(`p(a<${address}>(${label}))`);
  });
});

describe("while it is being written", () => {
  it.each([
    ["a **bo", "p(a strong(bo))"],
    ["a `co", "p(a code(co))"],
    ["see [the pa", "p(see the pa)"],
    ["see [the page](https://a.exa", "p(see the page)"],
    ["text\n-", "p(text)"],
    ["text\n\n2", "p(text)"],
    ["| a | b |", ""],
    ["| a | b |\n|--", ""],
    ["a\n#", "p(a)"],
    ["```\nx", "pre(code(x))"],
  ])("%j is drawn as it will look", (text, drawn) => expect(shape(text, rich, true)).toBe(drawn));

  it("what is complete never changes its kind", () => {
    const text = "# Plan\n\nSome **bold** text.\n\n1. one\n   - sub\n2. two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quote\n\n```js\ncode\n```\nend";
    let before: string[] = [];
    for (let length = 1; length <= text.length; length += 1) {
      const box = document.createElement("div");
      box.append(rich(text.slice(0, length), length < text.length));
      const kinds = [...box.children].map(({ localName }) => localName);
      expect([length, ...kinds.slice(0, before.length)]).toEqual([length, ...before]);
      before = kinds;
    }
    expect(before).toEqual(["h3", "p", "ol", "div", "blockquote", "div", "p"]);
  });
});

describe("the part that every page has", () => {
  it.each(["24. Dezember ist geschlossen", "2*3*4", "Kund*innen und Gäst*innen", "**b** and *i*", "- a\n- b", "1. a\n2. b", "a\n\nb"])(
    "draws %j as the whole does",
    (text) => {
      expect(isRich(text)).toBe(false);
      expect(shape(text, simple)).toBe(shape(text));
    },
  );

  it.each(["> q", "# h", "| a |\n|--|", "- a\n  - b", "1. a\n\n2. b", "![x](y)", "~~x~~", "```\nx\n```", "\\*", "**a *b***", "a\n---"])(
    "asks for the whole to draw %j",
    (text) => expect(isRich(text)).toBe(true),
  );
});

it.each(["*".repeat(20_000), "[".repeat(20_000), "> ".repeat(10_000), "- ".repeat(10_000), "|".repeat(20_000), "**a".repeat(7_000), "_a ".repeat(7_000), "`a``".repeat(5_000), `${"  ".repeat(50)}- a\n`.repeat(200), "![](".repeat(5_000), "\\".repeat(20_000)])(
  "a hostile text is drawn whole, and as text",
  (text) => {
    const box = document.createElement("div");
    box.append(rich(text));
    expect(box.querySelector("img, script, iframe")).toBeNull();
    expect(box.childNodes.length).toBeGreaterThan(0);
  },
);
