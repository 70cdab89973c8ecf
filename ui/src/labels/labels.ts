/** The labels of one series or target, as the server sends them. */
export type Labels = Readonly<Record<string, string>>;

const BARE_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const BARE_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Label pairs without the metric name, sorted by name. */
export function pairs(labels: Labels): [name: string, value: string][] {
  return Object.entries(labels)
    .filter(([name]) => name !== '__name__')
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A selector that matches exactly these labels: `up{job="node"}`, `{"my.metric", job="node"}`. */
export function selector(labels: Labels): string {
  const name = labels.__name__;
  const inside = pairs(labels).map(([label, value]) => `${quoteName(label)}="${escapeValue(value)}"`);
  if (name !== undefined && !BARE_METRIC.test(name)) inside.unshift(`"${escapeValue(name)}"`);
  const bare = name !== undefined && BARE_METRIC.test(name) ? name : '';
  return inside.length === 0 && bare !== '' ? bare : `${bare}{${inside.join(', ')}}`;
}

/** A metric name as it must be written in an expression. */
export function metricSelector(name: string, matchers = ''): string {
  if (BARE_METRIC.test(name)) return matchers === '' ? name : `${name}{${matchers}}`;
  return `{"${escapeValue(name)}"${matchers === '' ? '' : `, ${matchers}`}}`;
}

/** A label name as it must be written in an expression. */
export function quoteName(label: string): string {
  return BARE_LABEL.test(label) ? label : `"${escapeValue(label)}"`;
}

export function escapeValue(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

/** The pairs that all of the label sets share; none if there are fewer than two sets. */
export function commonLabels(sets: readonly Labels[]): Labels {
  const [first, ...rest] = sets;
  if (first === undefined || rest.length === 0) return {};
  return Object.fromEntries(pairs(first).filter(([name, value]) => rest.every((labels) => labels[name] === value)));
}

/** The label set without the pairs that are in `common`. */
export function withoutCommon(labels: Labels, common: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => common[name] === undefined));
}
