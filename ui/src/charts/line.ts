import type { RangeSeries } from '../api/query';
import { commonLabels, type Labels, selector, withoutCommon } from '../labels/labels';
import { type SeriesStyle, seriesStyle } from '../theme/series';
import type { Visibility } from '../url/pages';
import { type SeriesStats, seriesStats } from './stats';

/** One series as a chart and its legend show it. */
export interface Line {
  /** Names the line in URLs. */
  key: string;
  /** Which query it came from: `A`, `B`, ... */
  query: string;
  labels: Labels;
  /** Labels as one text. */
  name: string;
  series: RangeSeries;
  stats: SeriesStats;
  style: SeriesStyle;
}

export function makeLines(results: readonly { query: string; series: readonly RangeSeries[] }[]): Line[] {
  return results
    .flatMap(({ query, series }) => series.map((one) => ({ query, one })))
    .map(({ query, one }, i) => {
      const name = selector(one.labels);
      const stats = seriesStats(one);
      return {
        key: seriesKey(query, name),
        query,
        labels: one.labels,
        name,
        series: one,
        stats,
        style: seriesStyle(i),
      };
    });
}

const known = new WeakMap<readonly Line[], string[]>();

/** Names without the labels that all lines share. Lines that were given a name of their own keep it. */
export function shortNames(lines: readonly Line[]): string[] {
  let names = known.get(lines);
  if (names === undefined) {
    const common = commonLabels(lines.map((line) => line.labels));
    names = lines.map(({ labels, name }) =>
      name === selector(labels) ? selector(withoutCommon(labels, common)) : name,
    );
    known.set(lines, names);
  }
  return names;
}

/** A short name that stays the same as long as query letter and labels do (FNV-1a, base 36). */
export function seriesKey(query: string, name: string): string {
  let hash = 0x811c9dc5;
  for (const char of `${query} ${name}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(36);
}

export function isVisible(visibility: Visibility, key: string): boolean {
  return visibility.keys.includes(key) === (visibility.mode === 'only');
}

/** Shows or hides one line. Nothing but hidden lines helps nobody, so hiding the last one shows all. */
export function toggleLine(visibility: Visibility, key: string, all: readonly string[]): Visibility {
  const { mode, keys } = visibility;
  const next = keys.includes(key) ? keys.filter((k) => k !== key) : [...keys, key];
  const result: Visibility = { mode, keys: next };
  return all.some((k) => isVisible(result, k)) && next.length > 0 ? result : { mode: 'hide', keys: [] };
}

/** Shows one line alone; again, all of them. */
export function onlyLine(visibility: Visibility, key: string): Visibility {
  const alone = visibility.mode === 'only' && visibility.keys.length === 1 && visibility.keys[0] === key;
  return alone ? { mode: 'hide', keys: [] } : { mode: 'only', keys: [key] };
}
