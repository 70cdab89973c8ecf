import type { CheckedTarget, Pack, PackLabel, PackMetric } from '../../api/packs';
import { plural } from '../../format/value';
import { PageLink } from '../../nav/links';
import { FactRows, type FactTexts } from '../../panel/Facts';
import { targetsCodec } from '../../url/pages';
import { emitters } from './verdicts';

/** So many targets are named. */
const MOST_EMITTERS = 20;

interface MetricPromiseProps {
  pack: Pack;
  metric: PackMetric;
  targets: readonly CheckedTarget[];
}

/** What a pack says about a metric, and which targets expose it. */
export function MetricPromise({ pack, metric, targets }: MetricPromiseProps) {
  const facts: FactTexts = [
    ['Help', metric.help],
    ['Type', metric.type.replaceAll('_', ' ')],
    ['Unit', metric.unit === '' ? 'none' : metric.unit],
    ['Labels', metric.labels.length === 0 ? 'none' : <Labels key="labels" labels={metric.labels} />],
    ...furtherFacts(metric),
    ['Exposed by', <Emitters key="emitters" found={emitters(targets, pack.name, metric.name)} />],
  ];
  return <FactRows facts={facts} />;
}

/** What a pack says about a metric beside what it is and which labels it has. */
export function furtherFacts(metric: PackMetric): FactTexts {
  const facts: (FactTexts[number] | false)[] = [
    metric.stability !== 'stable' && ['Stability', stability(metric)],
    metric.buckets !== null && ['Buckets', metric.buckets.join(', ')],
    metric.quantiles.length > 0 && ['Quantiles', metric.quantiles.join(', ')],
    metric.states.length > 0 && ['States', metric.states.join(', ')],
    metric.maxSeries !== null && ['At most', plural(metric.maxSeries, 'series', 'series')],
    metric.aliases.length > 0 && ['Old names', metric.aliases.map(oldName).join(', ')],
    metric.note !== '' && ['Note', metric.note],
  ];
  return facts.filter((fact) => fact !== false);
}

function stability({ stability: word, replacedBy, until }: PackMetric): string {
  const parts = [word, replacedBy !== null && `replaced by ${replacedBy}`, until !== null && `until ${until}`];
  return parts.filter((part) => part !== false).join(', ');
}

/** `wait_ms (place as zone)` */
function oldName({ name, labels }: PackMetric['aliases'][number]): string {
  const renamed = Object.entries(labels).map(([label, old]) => `${label} as ${old}`);
  return renamed.length === 0 ? name : `${name} (${renamed.join(', ')})`;
}

/** What a label may be whose values are not listed. */
export function openLabel(max: number | null, maxLength: number | null): string {
  const number = max === null ? 'any value' : `at most ${plural(max, 'value')}`;
  return maxLength === null ? number : `${number} of at most ${plural(maxLength, 'byte')}`;
}

function Labels({ labels }: { labels: readonly PackLabel[] }) {
  return (
    <ul className="bw-plain">
      {labels.map(({ name, values, max, maxLength, optional, help }) => (
        <li key={name}>
          <code>{name}</code>{' '}
          <span className="bw-dim">
            {values.length > 0 ? values.join(', ') : openLabel(max, maxLength)}
            {optional && ', or missing'}
            {help !== '' && `: ${help}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Emitters({ found }: { found: readonly CheckedTarget[] }) {
  if (found.length === 0) return <>no target that was checked</>;
  return (
    <ul className="bw-plain">
      {found.slice(0, MOST_EMITTERS).map(({ scrapePool, scrapeUrl, instance }) => (
        <li key={`${scrapePool}|${scrapeUrl}`}>
          <PageLink to="/system/targets" search={targetsCodec.encode({ open: `${scrapePool}|${scrapeUrl}` })}>
            {scrapePool} {instance ?? scrapeUrl}
          </PageLink>
        </li>
      ))}
      {found.length > MOST_EMITTERS && (
        <li className="bw-dim">and {plural(found.length - MOST_EMITTERS, 'more', 'more')}</li>
      )}
    </ul>
  );
}
