import type { Labels } from './labels';

export type Fate = 'kept' | 'added' | 'changed' | 'dropped';

/** What became of one label on the way from discovery to the scraped target. */
export interface LabelChange {
  name: string;
  fate: Fate;
  before?: string;
  after?: string;
}

/**
 * Compares labels before and after relabelling, sorted by name. Names that start with two underscores never survive
 * relabelling; for them "dropped" is the rule, not news, so callers may set them apart.
 */
export function diffLabels(before: Labels, after: Labels): LabelChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.map((name) => {
    const [old, now] = [before[name], after[name]];
    if (old === undefined) return { name, fate: 'added', after: now ?? '' };
    if (now === undefined) return { name, fate: 'dropped', before: old };
    return { name, fate: old === now ? 'kept' : 'changed', before: old, after: now };
  });
}

/** Labels that only steer discovery and scraping. */
export const isInternal = (name: string) => name.startsWith('__');
