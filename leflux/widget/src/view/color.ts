// The site's colour, and readable text on it (WCAG 2.2 AA).

const DEFAULT = "#5b4bdb";
const AA = 4.5;

type Rgb = [number, number, number];

export interface Accent {
  /** The site's colour, for surfaces. */
  base: string;
  /** Text on the surface. */
  on: string;
  /** The colour as text or line on a light, and on a dark, background. */
  onLight: string;
  onDark: string;
}

function parse(color: string): Rgb | null {
  const match = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(color.trim());
  if (match === null) return null;
  const hex = match[1]!;
  const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16)) as Rgb;
}

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(parse(a) ?? [0, 0, 0]), luminance(parse(b) ?? [0, 0, 0])].sort((x, y) => y - x) as [
    number,
    number,
  ];
  return (light + 0.05) / (dark + 0.05);
}

function toHex(rgb: Rgb): string {
  return `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
}

/** Mixes the colour with `target` until it is readable on `background`. */
function readable(color: string, background: string, target: Rgb): string {
  const from = parse(color)!;
  for (let step = 0; step <= 20; step++) {
    const mixed = toHex(from.map((value, index) => value + ((target[index]! - value) * step) / 20) as Rgb);
    if (contrast(mixed, background) >= AA) return mixed;
  }
  return toHex(target);
}

/** Derives the accent colours. A value that is not a hex colour falls back to the default. */
export function accent(color: unknown): Accent {
  const base = typeof color === "string" && parse(color) !== null ? toHex(parse(color)!) : DEFAULT;
  const on = contrast(base, "#ffffff") >= AA ? "#ffffff" : contrast(base, "#14121f") >= AA ? "#14121f" : "#ffffff";
  const surface = contrast(base, on) >= AA ? base : readable(base, on, [0, 0, 0]);
  return {
    base: surface,
    on,
    onLight: readable(base, "#f3f3f8", [0, 0, 0]),
    onDark: readable(base, "#262430", [255, 255, 255]),
  };
}
