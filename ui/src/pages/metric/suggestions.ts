import { type Unit, unitOfName } from '../../format/value';
import { metricSelector } from '../../labels/labels';
import type { MetricUses } from './uses';

/** A question worth asking of a metric. */
export interface Suggestion {
  title: string;
  expression: string;
  unit: Unit;
}

/** What packs have a name for: ratios, quantiles and rates. */
export function packSuggestions(uses: readonly MetricUses[]): Suggestion[] {
  const expressions = uses.flatMap((one) => one.expressions);
  return expressions.flatMap(({ name, help, expr, unit }) =>
    expr === null
      ? []
      : [{ title: help || name.replaceAll('_', ' '), expression: expr, unit: UNITS[unit ?? ''] ?? 'short' }],
  );
}

const UNITS: Readonly<Record<string, Unit>> = { seconds: 'seconds', bytes: 'bytes', ratio: 'percent' };

/** What one usually wants to know of a metric of this type; the first is drawn on its page. */
export function suggestions(name: string, type: string, labels: readonly string[]): Suggestion[] {
  const raw = metricSelector(name);
  const byJob = labels.includes('job') ? ' by (job)' : '';
  const buckets = name.endsWith('_bucket');
  const unit = unitOfName(name);
  // Seconds per second are a share of time, not a time.
  const perSecond = unit === 'seconds' ? 'short' : unit;
  const family = name.replace(/_(bucket|sum|count)$/, '');
  if (buckets || (type === 'histogram' && family !== name)) {
    const rate = `rate(${metricSelector(`${family}_bucket`)}[5m])`;
    const mean = `rate(${metricSelector(`${family}_sum`)}[5m]) / rate(${metricSelector(`${family}_count`)}[5m])`;
    return [
      { title: 'Slowest 1 %', unit, expression: `histogram_quantile(0.99, sum by (le) (${rate}))` },
      { title: 'Median', unit, expression: `histogram_quantile(0.5, sum by (le) (${rate}))` },
      { title: 'Mean', unit, expression: mean },
      {
        title: 'Observations per second',
        unit: 'short',
        expression: `sum${byJob} (rate(${metricSelector(`${family}_count`)}[5m]))`,
      },
    ];
  }
  if (type === 'histogram') {
    return [
      { title: 'Slowest 1 %', unit, expression: `histogram_quantile(0.99, sum(rate(${raw}[5m])))` },
      {
        title: 'Observations per second',
        unit: 'short',
        expression: `histogram_count(sum${byJob} (rate(${raw}[5m])))`,
      },
    ];
  }
  if (type === 'counter' || name.endsWith('_total')) {
    return [
      { title: 'Per second', unit: perSecond, expression: `sum${byJob} (rate(${raw}[5m]))` },
      { title: 'Per second, each series', unit: perSecond, expression: `rate(${raw}[5m])` },
      { title: 'In the last hour', unit, expression: `sum${byJob} (increase(${raw}[1h]))` },
    ];
  }
  return [
    { title: 'Each series', unit, expression: raw },
    { title: 'Mean', unit, expression: `avg${byJob} (${raw})` },
    { title: 'Highest', unit, expression: `max${byJob} (${raw})` },
    { title: 'Series', unit: 'short', expression: `count${byJob} (${raw})` },
  ];
}
