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

/** The look of a query's `nth` series, where colours tell the queries apart and dashes the series of one query. */
export function queryStyle(query: number, nth: number): SeriesStyle {
  return { token: `--bw-series-${(query % PALETTE_SIZE) + 1}`, dash: DASHES[nth % DASHES.length] ?? [] };
}

/** So many series of one query have looks of their own. */
export const QUERY_LOOKS = DASHES.length;

/** The value of a token as the canvas needs it. */
export function tokenValue(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}
