import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

// Reads the tokens out of the style sheet itself, so that what is tested is what ships.

const css = readFileSync("src/app/globals.css", "utf8");

function tokens(selector: string): Map<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`)).split("}")[0] ?? "";
  return new Map([...block.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map((m) => [m[1]!, m[2]!.trim()]));
}

/** Linear sRGB of `#rrggbb` or an opaque `oklch(l c h)`. */
function linear(colour: string): [number, number, number] {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour);
  if (hex) {
    const channel = (text: string) => {
      const value = parseInt(text, 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    return [channel(hex[1]!), channel(hex[2]!), channel(hex[3]!)];
  }
  const lch = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)$/.exec(colour);
  if (!lch) throw new Error(`not a colour: ${colour}`);
  const [l, c, h] = [Number(lch[1]), Number(lch[2]), (Number(lch[3]) * Math.PI) / 180];
  const [a, b] = [c * Math.cos(h), c * Math.sin(h)];
  const [x, y, z] = [
    (l + 0.3963377774 * a + 0.2158037573 * b) ** 3,
    (l - 0.1055613458 * a - 0.0638541728 * b) ** 3,
    (l - 0.0894841775 * a - 1.291485548 * b) ** 3,
  ];
  const clip = (value: number) => Math.min(1, Math.max(0, value));
  return [
    clip(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z),
    clip(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z),
    clip(-0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z),
  ];
}

function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [r, g, b] = linear(colour);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dark, light] = [luminance(one), luminance(other)].sort((p, q) => p - q) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const STATES = ["operational", "degraded", "down", "maintenance", "unknown"];
const SURFACES = ["--background", "--card", "--muted"];

const TEXT: [string, string][] = [
  ...SURFACES.flatMap((surface): [string, string][] => [
    ["--foreground", surface],
    ["--muted-foreground", surface],
  ]),
  ["--foreground", "--accent"],
  ["--muted-foreground", "--accent"],
  ["--primary", "--card"],
  ["--primary", "--background"],
  ["--primary-foreground", "--primary"],
  ["--st-down-on-fill", "--st-down-fill"],
  ...STATES.flatMap((state): [string, string][] => [
    [`--st-${state}`, `--st-${state}-bg`],
    [`--st-${state}`, "--card"],
    [`--st-${state}`, "--background"],
  ]),
];

const GRAPHICS: [string, string][] = [
  ["--input", "--card"],
  ["--input", "--background"],
  ["--ring", "--card"],
  ["--ring", "--background"],
  ...STATES.map((state): [string, string] => [`--st-${state}-fill`, "--card"]),
  ...[1, 2, 3, 4, 5, 6].map((n): [string, string] => [`--chart-${n}`, "--card"]),
];

describe.each([":root", ".dark"])("tokens of %s", (selector) => {
  const all = tokens(selector);
  const ratio = ([one, other]: [string, string]) => contrast(all.get(one)!, all.get(other)!);

  it.each(TEXT)("text %s on %s has 4.5:1", (...pair) => {
    expect(ratio(pair)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(GRAPHICS)("graphic %s on %s has 3:1", (...pair) => {
    expect(ratio(pair)).toBeGreaterThanOrEqual(3);
  });
});
