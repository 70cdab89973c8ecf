import type { Line } from '../../charts/line';
import { topSeries } from '../../charts/stats';
import { QUERY_LOOKS, queryStyle, type SeriesStyle, seriesStyle } from '../../theme/series';
import type { ExploreState, Top } from '../../url/pages';

/** Lines drawn at most: beyond this a browser struggles and nobody sees anything. */
export const MOST_LINES = 2000;

/** The lines that are drawn, with looks dealt anew, so that those that are left differ as much as they can. */
export function shownLines(lines: readonly Line[], { top, rank }: Pick<ExploreState, 'top' | 'rank'>): Line[] {
  const limit = top === 'all' ? MOST_LINES : Math.min(top, MOST_LINES);
  const stats = lines.map((line) => line.stats);
  const chosen = lines.length <= limit ? lines : topSeries(stats, limit, rank).flatMap((index) => lines[index] ?? []);
  return deal(chosen);
}

/**
 * While each query has few series, its colour names the query, whichever others are switched off; with more, each
 * series gets the next look.
 */
function deal(lines: readonly Line[]): Line[] {
  const counts = new Map<string, number>();
  for (const { query } of lines) counts.set(query, (counts.get(query) ?? 0) + 1);
  const byQuery = counts.size > 1 && [...counts.values()].every((count) => count <= QUERY_LOOKS);
  if (!byQuery) return lines.map((line, i) => ({ ...line, style: seriesStyle(i) }));
  const nth = new Map<string, number>();
  return lines.map((line) => {
    const own = nth.get(line.query) ?? 0;
    nth.set(line.query, own + 1);
    return { ...line, style: queryStyle(line.query.charCodeAt(0) - 65, own) };
  });
}

/** How many lines "show more" leads to. */
export function moreLines(top: Top, all: number): Top {
  const next = top === 'all' ? all : top * 2;
  return next >= all ? 'all' : next;
}

/** Colours shown beside a query. */
const MOST_COLOURS = 4;

/** The looks of the first lines of each query. */
export function looksByQuery(lines: readonly Line[]): ReadonlyMap<string, readonly SeriesStyle[]> {
  const looks = new Map<string, SeriesStyle[]>();
  for (const { query, style } of lines) {
    const known = looks.get(query) ?? [];
    if (known.length < MOST_COLOURS && !known.some(({ token }) => token === style.token)) known.push(style);
    looks.set(query, known);
  }
  return looks;
}
