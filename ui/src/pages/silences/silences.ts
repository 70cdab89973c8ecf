import { formatMatcher, fromWire } from '../../alerting/matchers';
import type { PostedSilence, Silence, SilenceState } from '../../api/alerting';
import { wordFilter } from '../../lists/matches';

/** `alertname="X", severity="page"` */
export function titleOf({ matchers }: Silence): string {
  return matchers.map((matcher) => formatMatcher(fromWire(matcher))).join(', ');
}

/** Whether a silence that holds keeps no alert quiet, as one with a mistake does; `counts` are alerts by silence. */
export function isIdle({ id, status, recurs }: Silence, counts: ReadonlyMap<string, number> | undefined): boolean {
  return counts !== undefined && status.state === 'active' && recurs === undefined && !counts.has(id);
}

/**
 * The silences of a state that pass the filter: those that are idle first, then those that end or begin next; of expired
 * ones the latest.
 */
export function filterSilences(
  all: readonly Silence[],
  state: SilenceState,
  filter: string,
  counts?: ReadonlyMap<string, number>,
): Silence[] {
  const matches = wordFilter(filter);
  const key = ({ startsAt, endsAt }: Silence) => {
    if (state === 'pending') return Date.parse(startsAt);
    return state === 'active' ? Date.parse(endsAt) : -Date.parse(endsAt);
  };
  return all
    .filter((silence) => silence.status.state === state)
    .filter((silence) => matches([titleOf(silence), silence.comment, silence.createdBy, silence.id].join(' ')))
    .sort((a, b) => Number(isIdle(b, counts)) - Number(isIdle(a, counts)) || key(a) - key(b));
}

/** A silence that ends later by `byMs`, and is otherwise as it was. */
export function extended({ status: _, updatedAt: __, ...silence }: Silence, byMs: number): PostedSilence {
  return { ...silence, endsAt: new Date(Date.parse(silence.endsAt) + byMs).toISOString() };
}
