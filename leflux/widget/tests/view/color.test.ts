import { describe, expect, it } from "vitest";
import { accent, contrast } from "../../src/view/color.js";

const AA = 4.5;
const EXTREMES = ["#5b4bdb", "#6d28d9", "#fff", "#000000", "#ffd400", "#00ff00", "#777777", "#e11d48", "#0ea5e9", "#FF7F50"];

describe("every colour of a site can be read", () => {
  it.each(EXTREMES)("%s", (color) => {
    const { base, on, onLight, onDark } = accent(color);
    expect(contrast(on, base)).toBeGreaterThanOrEqual(AA);
    for (const background of ["#ffffff", "#f3f3f8"]) expect(contrast(onLight, background)).toBeGreaterThanOrEqual(AA);
    for (const background of ["#191722", "#262430"]) expect(contrast(onDark, background)).toBeGreaterThanOrEqual(AA);
  });

  it("measures as WCAG does", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });

  it.each([undefined, null, 7, "red", "#12345", "url(x)", "#fff;}*{display:none", ""])("%s is no colour", (color) => {
    expect(accent(color)).toEqual(accent("#5b4bdb"));
  });
});
