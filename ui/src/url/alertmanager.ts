import { alertsCodec, silencesCodec } from './alerting';
import { parseSearch, type RawSearch, stringifySearch } from './codec';

/**
 * Where a link leads that was made for Alertmanager's own pages, such as `#/silences/new?filter={alertname="X"}`: the
 * usual templates of messages put these behind the address of the server, which does not see them. Undefined for any
 * other fragment.
 */
export function pageOfAlertmanager(hash: string): string | undefined {
  const match = /^#\/(alerts|silences|status)(?:\/([^?]*))?(?:\?(.*))?$/.exec(hash);
  if (match === null) return undefined;
  const [, page, below = '', query = ''] = match;
  const asked = parseSearch(query);
  const filter = first(asked.filter);
  if (page === 'alerts') {
    return to('/alerts', alertsCodec.encode({ f: inner(filter), receiver: first(asked.receiver) }));
  }
  if (page === 'status') return '/routing';
  if (below === 'new') return to('/silences', silencesCodec.encode({ new: filter === '' ? '{}' : filter }));
  return to('/silences', below === '' ? {} : silencesCodec.encode({ open: decodeURIComponent(below) }));
}

const to = (path: string, search: RawSearch) => `${path}${stringifySearch(search)}`;

const first = (value: string | string[] | undefined) => (typeof value === 'string' ? value : (value?.[0] ?? ''));

/** Matchers without the braces that a filter field does not need. */
const inner = (filter: string) => filter.replace(/^\{(.*)\}$/s, '$1');
