import { describe, expect, it } from "vitest";
import english from "../../src/texts/en.json";
import { fill } from "../../src/view/texts.js";

type Table = Record<string, string>;
type Nested = { notices: Table } & Record<string, string | Table>;
const flat = ({ notices, ...texts }: Nested): Table => ({ ...(texts as Table), ...notices });
const found = (import.meta as unknown as { glob(path: string, how: object): Record<string, Nested> }).glob(
  "../../src/texts/*.json",
  { eager: true, import: "default" },
);
const languages: [string, Table][] = Object.entries(found).map(([path, texts]) => [path.slice(-7, -5), flat(texts)]);
const places = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

describe("languages", () => {
  it("are at least ten", () => expect(languages.length).toBeGreaterThanOrEqual(10));

  it.each(languages)("%s says everything, with the same places", (language, texts) => {
    expect(Object.keys(texts)).toEqual(Object.keys(flat(english)));
    expect(texts["lang"]).toBe(language);
    expect(["ltr", "rtl"]).toContain(texts["dir"]);
    for (const [name, text] of Object.entries(texts)) {
      expect(text.trim(), name).not.toBe("");
      expect(places(text), name).toEqual(places(flat(english)[name]!));
    }
  });

  it("fill their places, and leave what is not known", () => {
    expect(fill("{done} of {total}", { done: 2, total: 5 })).toBe("2 of 5");
    expect(fill("{other}", {})).toBe("{other}");
  });
});
