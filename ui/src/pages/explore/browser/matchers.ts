import { escapeValue, metricSelector, quoteName } from '../../../labels/labels';

/** Values that were picked, by label. */
export type Picked = Readonly<Record<string, readonly string[]>>;

/** Picks a value, or drops it again. */
export function togglePicked(picked: Picked, label: string, value: string): Picked {
  const own = picked[label] ?? [];
  const next = own.includes(value) ? own.filter((one) => one !== value) : [...own, value];
  const { [label]: _, ...rest } = picked;
  return next.length === 0 ? rest : { ...rest, [label]: next };
}

/** A selector of the metric with the picked values; `except` leaves one label free. */
export function pickedSelector(name: string, picked: Picked, except?: string): string {
  const matchers = Object.entries(picked)
    .filter(([label, values]) => label !== except && values.length > 0)
    .map(([label, values]) => matcher(label, values));
  return metricSelector(name, matchers.join(', '));
}

function matcher(label: string, values: readonly string[]): string {
  const [only = ''] = values;
  if (values.length === 1) return `${quoteName(label)}="${escapeValue(only)}"`;
  return `${quoteName(label)}=~"${escapeValue(values.map(escapeRegex).join('|'))}"`;
}

/** Text as a pattern that matches nothing else. */
const escapeRegex = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
