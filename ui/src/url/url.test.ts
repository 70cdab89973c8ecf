import { expect, test } from 'vitest';
import { absolute, relative } from '../time/bound';
import {
  alertsCodec,
  notificationsCodec,
  routingCodec,
  ruleCodec,
  rulesCodec,
  silencesCodec,
  slosCodec,
} from './alerting';
import { type Codec, parseSearch, type RawSearch, stringifySearch } from './codec';
import { exploreCodec, metricCodec, metricsCodec, statusCodec, targetsCodec } from './pages';
import { rangeCodec } from './range';

/**
 * Links live longer than releases: in chats, runbooks and bookmarks. So the text of each URL is fixed here; a change
 * to a line of this table breaks links that people have saved.
 */
function golden<S>(name: string, codec: Codec<S>, state: Partial<S>, url: string) {
  test(`${name} ${url || '(empty)'}`, () => {
    expect(stringifySearch(codec.encode(state))).toBe(url);
    expect(codec.decode(parseSearch(url))).toEqual({ ...codec.decode({}), ...state });
  });
}

golden('range', rangeCodec, {}, '');
golden('range', rangeCodec, { from: relative(-6 * 3_600_000), refresh: 30_000 }, '?from=now-6h&refresh=30s');
golden('range', rangeCodec, { from: relative(-86_400_000, 'd'), to: relative(0, 'd') }, '?from=now-1d/d&to=now/d');
golden(
  'range',
  rangeCodec,
  { from: absolute(1795252800000), to: absolute(1795256400000) },
  '?from=1795252800000&to=1795256400000',
);

golden('explore', exploreCodec, {}, '');
golden('explore', exploreCodec, { q: ['up'] }, '?q=up');
golden(
  'explore',
  exploreCodec,
  { q: ['rate(x_total{job="a b"}[5m])', '1 + 2 > bool 1', 'a\nb'], off: [0, 2], tab: 'table', at: 'range', step: 15 },
  '?q=rate(x_total%7Bjob%3D%22a+b%22%7D%5B5m%5D)&q=1+%2B+2+%3E+bool+1&q=a%0Ab&off=0.2&tab=table&at=range&step=15',
);
golden(
  'explore',
  exploreCodec,
  { q: ['x'], unit: 'bytes', top: 'all', show: { mode: 'only', keys: ['1a2b', 'zz9'] } },
  '?q=x&unit=bytes&top=all&show=only.1a2b.zz9',
);
golden('explore', exploreCodec, { q: ['x'], show: { mode: 'hide', keys: ['1a2b'] } }, '?q=x&show=hide.1a2b');

golden(
  'metrics',
  metricsCodec,
  { f: 'node cpu', type: 'counter', sort: 'series' },
  '?f=node+cpu&type=counter&sort=series',
);
golden('metric', metricCodec, { label: 'instance' }, '?label=instance');
golden(
  'targets',
  targetsCodec,
  { f: 'ünï & co', health: 'down', open: 'node|http://a:9100/metrics' },
  '?f=%C3%BCn%C3%AF+%26+co&health=down&open=node%7Chttp://a:9100/metrics',
);
golden('targets', targetsCodec, { tab: 'dropped' }, '?tab=dropped');
golden('status', statusCodec, { tab: 'flags', f: 'storage' }, '?tab=flags&f=storage');

test.each<[string, Codec<unknown>, string]>([
  ['range', rangeCodec, '?from=yesterday&to=&refresh=1ms'],
  [
    'explore',
    exploreCodec,
    '?off=a.b&tab=heat&step=-1&unit=furlong&top=9&rank=none&of=x&exemplars=yes&browse=1&show=only.%3Cb%3E',
  ],
  ['metrics', metricsCodec, '?type=nope&sort=size'],
  ['targets', targetsCodec, '?tab=x&health=sick'],
])('what makes no sense in a %s URL falls back', (_, codec, url) => {
  expect(codec.decode(parseSearch(url))).toEqual(codec.decode({}));
});

test('keys that repeat or are missing never throw', () => {
  const search: RawSearch = parseSearch('?tab=table&tab=graph&q=a&q=b&unheard=of');
  expect(exploreCodec.decode(search)).toMatchObject({ tab: 'table', q: ['a', 'b'] });
});

golden('alerts', alertsCodec, {}, '');
golden(
  'alerts',
  alertsCodec,
  { f: 'severity="page"', state: 'firing', by: ['team', 'a,b'] },
  '?f=severity%3D%22page%22&state=firing&by=team,a%252Cb',
);
golden('alerts', alertsCodec, { receiver: 'on call' }, '?receiver=on+call');
golden('alerts', alertsCodec, { by: [], open: '{alertname="A"}' }, '?by=&open=%7Balertname%3D%22A%22%7D');
golden('rules', rulesCodec, { f: 'disk', state: 'failing', kind: 'recording' }, '?f=disk&state=failing&kind=recording');
golden(
  'rule',
  ruleCodec,
  { file: '/etc/a.yml', group: 'g', for: '5m', bound: '0.5' },
  '?file=/etc/a.yml&group=g&for=5m&bound=0.5',
);
golden('silences', silencesCodec, { state: 'expired', open: 'id-1' }, '?state=expired&open=id-1');
golden('silences', silencesCodec, { new: '{alertname="A"}' }, '?new=%7Balertname%3D%22A%22%7D');
golden('routing', routingCodec, { labels: '{team="x"}' }, '?labels=%7Bteam%3D%22x%22%7D');
golden('notifications', notificationsCodec, { receiver: 'team', status: 'failed' }, '?receiver=team&status=failed');
golden('slos', slosCodec, { f: 'checkout', sort: 'burn' }, '?f=checkout&sort=burn');
