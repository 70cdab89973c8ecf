import { absolute } from '../time/bound';
import { parseDuration } from '../time/duration';
import { parseMoment } from '../time/zone';
import { alertsCodec, silencesCodec } from './alerting';
import { parseSearch, type RawSearch, stringifySearch } from './codec';
import { exploreCodec } from './pages';
import { rangeCodec } from './range';

/**
 * Where a link leads that was made for the pages of Prometheus or Alertmanager: messages and dashboards put these behind
 * the address of the server. `path` is below its prefix. Undefined for any other address.
 */
export function pageOfForeign(path: string, query: string, hash: string): string | undefined {
  if (path === '/graph' || path === '/query') return graph(parseSearch(query));
  return path === '/' ? alertmanager(hash) : undefined;
}

const to = (path: string, search: RawSearch) => `${path}${stringifySearch(search)}`;

/** `/graph?g0.expr=up&g0.range_input=1h&g0.end_input=2026-11-26+10:00:00`: what an alert names as its source, say. */
function graph(search: Record<string, string | string[]>): string {
  const of = (query: number, key: string) => first(search[`g${query}.${key}`]);
  const expressions: string[] = [];
  for (let query = 0; `g${query}.expr` in search; query++) expressions.push(of(query, 'expr'));
  const tab = ['1', 'table'].includes(of(0, 'tab')) ? 'table' : 'graph';
  const length = parseDuration(of(0, 'range_input'));
  const end = parseMoment(of(0, 'end_input'), 'utc');
  const range = {
    ...(length !== undefined && end === undefined && { from: { kind: 'relative', offset: -length } as const }),
    ...(end !== undefined && { from: absolute(end - (length ?? 3_600_000)), to: absolute(end) }),
  };
  return to('/explore', {
    ...rangeCodec.encode(range),
    ...exploreCodec.encode({ tab, ...(expressions.length > 0 && { q: expressions }) }),
  });
}

/** `#/silences/new?filter={alertname="X"}`, as the usual templates of messages have it. */
function alertmanager(hash: string): string | undefined {
  const match = /^#\/(alerts|silences|status)(?:\/([^?]*))?(?:\?(.*))?$/.exec(hash);
  if (match === null) return undefined;
  const [, page, below = '', query = ''] = match;
  const filter = first(parseSearch(query).filter);
  if (page === 'alerts') return to('/alerts', alertsCodec.encode({ f: inner(filter) }));
  if (page === 'status') return '/routing';
  if (below === 'new') return to('/silences', silencesCodec.encode({ new: filter === '' ? '{}' : filter }));
  return to('/silences', below === '' ? {} : silencesCodec.encode({ open: decodeURIComponent(below) }));
}

const first = (value: string | string[] | undefined) => (typeof value === 'string' ? value : (value?.[0] ?? ''));

/** Matchers without the braces that a filter field does not need. */
const inner = (filter: string) => filter.replace(/^\{(.*)\}$/s, '$1');
