import type { MetricMetadata } from '../../api/types';
import { wordFilter } from '../../lists/matches';

/** One line of the catalogue. */
export interface CatalogueEntry {
  name: string;
  type: string;
  help: string;
  /** Declared, or else what the name says by the naming rules of the exposition formats. */
  unit: string;
  /** Series in memory; undefined if the server did not say. */
  series: number | undefined;
  /** Lower-case text that the filter looks at. */
  text: string;
}

const PARTS = /_(bucket|count|sum|total|created|info|gcount|gsum)$/;

/**
 * What is known of a metric. Metadata is kept per family: the series `x_bucket` belongs to the histogram `x`, and in
 * OpenMetrics the series `x_total` to the counter `x`.
 */
export function metadataOf(name: string, all: ReadonlyMap<string, readonly MetricMetadata[]>): MetricMetadata {
  const known = all.get(name) ?? all.get(name.replace(PARTS, ''));
  return known?.[0] ?? { type: 'unknown', help: '', unit: '' };
}

const BASE_UNIT =
  /_(seconds|bytes|bits|ratio|percent|celsius|meters|grams|volts|amperes|joules|hertz|usd|ms)(?:_(?:total|sum|bucket))*$/;

function unitInName(name: string): string {
  return BASE_UNIT.exec(name)?.[1] ?? '';
}

export function makeCatalogue(
  names: readonly string[],
  metadata: ReadonlyMap<string, readonly MetricMetadata[]>,
  series: ReadonlyMap<string, number>,
): CatalogueEntry[] {
  return names.map((name) => {
    const { type, help, unit } = metadataOf(name, metadata);
    return {
      name,
      type,
      help,
      unit: unit || unitInName(name),
      series: series.get(name),
      text: `${name} ${help}`.toLowerCase(),
    };
  });
}

export type CatalogueSort = 'name' | 'series' | 'type';

/** The entries that pass the filters, sorted: names from A, series from the most. */
export function selectEntries(
  entries: readonly CatalogueEntry[],
  { f, type, sort }: { f: string; type: string; sort: CatalogueSort },
): CatalogueEntry[] {
  const matches = wordFilter(f);
  const chosen = entries.filter((entry) => (type === 'all' || entry.type === type) && matches(entry.text));
  const byName = (a: CatalogueEntry, b: CatalogueEntry) => (a.name < b.name ? -1 : 1);
  const order = {
    name: byName,
    // Metrics that the server did not count have fewer series than all that it did.
    series: (a: CatalogueEntry, b: CatalogueEntry) => (b.series ?? -1) - (a.series ?? -1) || byName(a, b),
    type: (a: CatalogueEntry, b: CatalogueEntry) => a.type.localeCompare(b.type) || byName(a, b),
  };
  return chosen.sort(order[sort]);
}
