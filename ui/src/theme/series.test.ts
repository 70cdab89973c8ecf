import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PALETTE_SIZE, seriesStyle } from './series';

type Rgb = [number, number, number];

const TOKENS = readFileSync('src/theme/tokens.css', 'utf8');

/** Full-strength simulations of Machado, Oliveira and Fernandes (2009), on linear light. */
const SIGHT: Record<string, [Rgb, Rgb, Rgb]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** A difference in Oklab that is plainly visible on a thin line (about four times the just noticeable one). */
const APART = 0.08;

function block(scheme: string): Map<string, string> {
  const css = TOKENS.split(`[data-mantine-color-scheme="${scheme}"] {`)[1]?.split('}')[0] ?? '';
  return new Map([...css.matchAll(/(--bw-[\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1] ?? '', m[2] ?? '']));
}

function linear(hex: string): Rgb {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return [r, g, b];
}

const dot = (a: Rgb, b: Rgb) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function seenAs(hex: string, sight: string): Rgb {
  const matrix = SIGHT[sight] ?? [];
  const light = linear(hex);
  const [r = 0, g = 0, b = 0] = matrix.map((row) => Math.min(1, Math.max(0, dot(row, light))));
  return [r, g, b];
}

function oklab(light: Rgb): Rgb {
  const l = Math.cbrt(dot([0.4122214708, 0.5363325363, 0.0514459929], light));
  const m = Math.cbrt(dot([0.2119034982, 0.6806995451, 0.1073969566], light));
  const s = Math.cbrt(dot([0.0883024619, 0.2817188376, 0.6299787005], light));
  return [
    dot([0.2104542553, 0.793617785, -0.0040720468], [l, m, s]),
    dot([1.9779984951, -2.428592205, 0.4505937099], [l, m, s]),
    dot([0.0259040371, 0.7827717662, -0.808675766], [l, m, s]),
  ];
}

function contrast(a: string, b: string): number {
  const luminance = (hex: string) => dot([0.2126, 0.7152, 0.0722], linear(hex));
  const [hi = 0, lo = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (hi + 0.05) / (lo + 0.05);
}

for (const scheme of ['dark', 'light']) {
  const tokens = block(scheme);
  const get = (name: string) => {
    const value = tokens.get(name);
    if (value === undefined) throw new Error(`${scheme}: no ${name}`);
    return value;
  };
  const palette = Array.from({ length: PALETTE_SIZE }, (_, i) => get(seriesStyle(i).token));

  for (const sight of Object.keys(SIGHT)) {
    test(`${scheme} series colours stay apart for ${sight} sight`, () => {
      palette.forEach((a, i) => {
        for (const b of palette.slice(i + 1)) {
          const [p, q] = [oklab(seenAs(a, sight)), oklab(seenAs(b, sight))];
          expect(Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]), `${a} and ${b}`).toBeGreaterThan(APART);
        }
      });
    });
  }

  test(`${scheme} lines are visible on a panel`, () => {
    for (const colour of palette) expect(contrast(colour, get('--bw-panel')), colour).toBeGreaterThan(3);
  });

  test(`${scheme} text is readable on every surface`, () => {
    for (const surface of ['--bw-body', '--bw-panel', '--bw-raised', '--bw-sunken', '--bw-hover', '--bw-selected']) {
      for (const text of ['--bw-text-strong', '--bw-text-main', '--bw-text-dim', '--bw-accent']) {
        expect(contrast(get(text), get(surface)), `${text} on ${surface}`).toBeGreaterThan(4.5);
      }
    }
    for (const state of ['ok', 'warn', 'bad', 'unknown']) {
      for (const surface of [`--bw-${state}-soft`, '--bw-panel', '--bw-body']) {
        expect(contrast(get(`--bw-${state}`), get(surface)), `${state} on ${surface}`).toBeGreaterThan(4.5);
      }
    }
    expect(contrast(get('--bw-on-accent'), get('--bw-accent-fill'))).toBeGreaterThan(4.5);
    expect(contrast(get('--bw-on-demo'), get('--bw-demo'))).toBeGreaterThan(4.5);
    expect(contrast(get('--bw-control'), get('--bw-panel'))).toBeGreaterThan(3);
  });
}

test('both themes define the same tokens', () => {
  expect([...block('dark').keys()]).toEqual([...block('light').keys()]);
});
