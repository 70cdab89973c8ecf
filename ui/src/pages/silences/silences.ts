import { formatMatcher, fromWire } from '../../alerting/matchers';
import type { PostedSilence, Silence, SilenceState } from '../../api/alerting';
import { wordFilter } from '../../lists/matches';

/** `alertname="X", severity="page"` */
export function titleOf({ matchers }: Silence): string {
  return matchers.map((matcher) => formatMatcher(fromWire(matcher))).join(', ');
}

/** The silences of a state that pass the filter: those that end or begin next first, of expired ones the latest. */
export function filterSilences(all: readonly Silence[], state: SilenceState, filter: string): Silence[] {
  const matches = wordFilter(filter);
  const key = ({ startsAt, endsAt }: Silence) => {
    if (state === 'pending') return Date.parse(startsAt);
    return state === 'active' ? Date.parse(endsAt) : -Date.parse(endsAt);
  };
  return all
    .filter((silence) => silence.status.state === state)
    .filter((silence) => matches([titleOf(silence), silence.comment, silence.createdBy, silence.id].join(' ')))
    .sort((a, b) => key(a) - key(b));
}

/** A silence that ends later by `byMs`, and is otherwise as it was. */
export function extended({ status: _, updatedAt: __, ...silence }: Silence, byMs: number): PostedSilence {
  return { ...silence, endsAt: new Date(Date.parse(silence.endsAt) + byMs).toISOString() };
}
