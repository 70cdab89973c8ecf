import type { CheckedTarget, Pack, PackCounts, PackMetric, PackVerdict, PackWord } from '../../api/packs';
import { plural } from '../../format/value';
import { wordFilter } from '../../lists/matches';

/** What one target came to against one pack. */
export interface Checked {
  target: CheckedTarget;
  verdict: PackVerdict;
}

/** The targets that a pack is about, the worst first. */
export function checkedBy(targets: readonly CheckedTarget[], pack: string): Checked[] {
  const found = targets.flatMap((target): Checked[] => {
    const verdict = target.packs.find((one) => one.pack === pack);
    return verdict === undefined ? [] : [{ target, verdict }];
  });
  return found.toSorted(
    (a, b) =>
      b.verdict.errors - a.verdict.errors ||
      b.verdict.warnings - a.verdict.warnings ||
      a.target.scrapeUrl.localeCompare(b.target.scrapeUrl, undefined, { numeric: true }),
  );
}

/** The worst of several verdicts; undefined if there is none. */
export function worst(verdicts: readonly PackCounts[]): PackWord | undefined {
  const words = verdicts.map(({ verdict }) => verdict);
  return (['error', 'warning', 'ok'] as const).find((word) => words.includes(word));
}

/** `2 errors, 1 warning`; empty without either. */
export function countText({ errors, warnings }: Pick<PackCounts, 'errors' | 'warnings'>): string {
  const parts = [errors > 0 && plural(errors, 'error'), warnings > 0 && plural(warnings, 'warning')];
  return parts.filter((part) => part !== false).join(', ');
}

/** The packs of which the name, the description or a metric passes the filter. */
export function filterPacks(packs: readonly Pack[], filter: string): Pack[] {
  const matches = wordFilter(filter);
  return packs.filter(({ name, title, description, metrics }) =>
    matches([name, title, description, ...metrics.map((metric) => metric.name)].join(' ')),
  );
}

/** A metric of a pack. */
export interface Owned {
  pack: Pack;
  metric: PackMetric;
  /** The old name under which it was asked for. */
  alias: PackMetric['aliases'][number] | undefined;
}

/** Where a metric is promised, under its own name or an old one; parts of histograms and summaries count as the whole. */
export function ownerOf(packs: readonly Pack[], name: string): Owned | undefined {
  const whole = name.replace(/_(bucket|sum|count)$/, '');
  for (const pack of packs) {
    for (const metric of pack.metrics) {
      const isIt = (own: string) => own === name || (own === whole && hasParts(metric));
      const alias = metric.aliases.find((old) => isIt(old.name));
      if (alias !== undefined || isIt(metric.name)) return { pack, metric, alias };
    }
  }
  return undefined;
}

const hasParts = ({ type }: PackMetric) => type === 'histogram' || type === 'summary';

/** What the series of a metric are called: a histogram is stored as its parts. */
export function storedName({ name, type }: Pick<PackMetric, 'name' | 'type'>): string {
  return type === 'histogram' ? `${name}_bucket` : name;
}

/** The targets that expose a metric of a pack. */
export function emitters(targets: readonly CheckedTarget[], pack: string, metric: string): CheckedTarget[] {
  return targets.filter(({ packs }) => packs.some((one) => one.pack === pack && one.exposed.includes(metric)));
}
