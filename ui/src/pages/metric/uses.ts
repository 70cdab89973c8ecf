import type {
  NamedExpression,
  Pack,
  PackAlert,
  PackExpression,
  PackMetric,
  PackObjective,
  PackPanel,
} from '../../api/packs';

/** What a pack asks about a metric. */
export interface MetricUses {
  pack: Pack;
  alerts: PackAlert[];
  objectives: PackObjective[];
  recordings: PackExpression[];
  expressions: NamedExpression[];
  panels: { dashboard: string; panel: PackPanel }[];
}

/** Who uses the metric `name`, which is `metric` of a pack if one owns it; packs that do not are left out. */
export function usesOf(packs: readonly Pack[], name: string, metric: PackMetric | undefined): MetricUses[] {
  const names = namesOf(name, metric);
  const asks = ({ metrics }: { metrics: readonly string[] }) => metrics.some((one) => names.has(one));
  const all = packs.map((pack) => ({
    pack,
    alerts: pack.alerts.filter(asks),
    objectives: pack.slos.filter(asks),
    recordings: pack.recordings.filter(asks),
    expressions: pack.expressions.filter(asks),
    panels: pack.dashboards.flatMap(({ title, panels }) =>
      panels.filter(asks).map((panel) => ({ dashboard: title, panel })),
    ),
  }));
  return all.filter((uses) => Object.values(uses).some((list) => Array.isArray(list) && list.length > 0));
}

/** What the metric `name` is called, also as `metric` of a pack and by its parts. */
export function namesOf(name: string, metric: PackMetric | undefined): Set<string> {
  const names = new Set([name]);
  if (metric === undefined) return names;
  names.add(metric.name);
  // Others name the parts as they are stored.
  if (metric.type === 'histogram' || metric.type === 'summary') {
    for (const part of ['bucket', 'sum', 'count']) names.add(`${metric.name}_${part}`);
  }
  return names;
}
