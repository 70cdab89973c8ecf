/** How many series colours a theme has. */
export const PALETTE_SIZE = 8;

/** After all colours were used once, the same colours come back dashed, then dotted: colour is never the only sign. */
const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3]];

/** The look of one line of a chart. */
export interface SeriesStyle {
  /** The name of the CSS variable with the colour. */
  token: string;
  /** Lengths of strokes and gaps in px; empty for a solid line. */
  dash: readonly number[];
}

/** The look of the `index`-th series; looks repeat after 24 series. */
export function seriesStyle(index: number): SeriesStyle {
  const round = Math.floor(index / PALETTE_SIZE) % DASHES.length;
  return { token: `--bw-series-${(index % PALETTE_SIZE) + 1}`, dash: DASHES[round] ?? [] };
}

/** The value of a token as the canvas needs it. */
export function tokenValue(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}
