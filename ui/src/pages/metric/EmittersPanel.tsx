import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import { TARGETS_QUERY } from '../../api/queries';
import type { ActiveTarget } from '../../api/types';
import { formatCount, plural } from '../../format/value';
import { escapeValue, metricSelector } from '../../labels/labels';
import { PageLink } from '../../nav/links';
import { Panel } from '../../panel/Panel';
import { ErrorCard } from '../../states/ErrorCard';
import { HealthBadge } from '../../states/HealthBadge';
import { Loading } from '../../states/Loading';
import { exploreCodec, targetsCodec } from '../../url/pages';
import classes from './metric.module.css';

/** So many are listed, those with the most series first. */
const MOST_EMITTERS = 20;

/** Which jobs and instances the series of a metric come from. */
export function EmittersPanel({ name }: { name: string }) {
  const selector = metricSelector(name);
  const query = useQuery({
    queryKey: ['metric', name, 'emitters'],
    queryFn: async ({ signal }) => {
      const counts = `count by (job, instance) (${selector})`;
      const [most, all] = await Promise.all([
        api.instant(`topk(${MOST_EMITTERS}, ${counts})`, Date.now(), signal),
        api.instant(`count(${counts})`, Date.now(), signal),
      ]);
      return { emitters: vector(most.data.result), number: vector(all.data.result)[0]?.series ?? 0 };
    },
    staleTime: 30_000,
  });
  const targets = useQuery(TARGETS_QUERY);
  const { data } = query;
  return (
    <Panel title="Emitted by" note={data && plural(data.number, 'instance')} flush>
      {query.isPending && <Loading height={120} />}
      {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {data?.number === 0 && <p className="bw-note">No series of it has a sample of the last five minutes.</p>}
      {data !== undefined && data.number > 0 && (
        <table className={classes.emitters}>
          <thead>
            <tr>
              <th scope="col">Job</th>
              <th scope="col">Instance</th>
              <th scope="col">State</th>
              <th scope="col" data-numeric>
                Series
              </th>
            </tr>
          </thead>
          <tbody>
            {data.emitters
              .sort((a, b) => b.series - a.series || (`${a.job} ${a.instance}` < `${b.job} ${b.instance}` ? -1 : 1))
              .map((emitter) => (
                <Emitter
                  key={`${emitter.job}|${emitter.instance}`}
                  {...emitter}
                  name={name}
                  target={targets.data?.activeTargets.find(
                    ({ labels }) => labels.job === emitter.job && labels.instance === emitter.instance,
                  )}
                />
              ))}
          </tbody>
        </table>
      )}
      {data !== undefined && data.number > data.emitters.length && (
        <p className="bw-note">The {formatCount(data.emitters.length)} with the most series.</p>
      )}
    </Panel>
  );
}

interface Source {
  job: string;
  instance: string;
  series: number;
}

function vector(result: Awaited<ReturnType<typeof api.instant>>['data']['result']): Source[] {
  const samples = result.type === 'vector' ? result.samples : [];
  return samples.map(({ labels: { job = '', instance = '' }, value }) => ({ job, instance, series: Number(value) }));
}

function Emitter({ job, instance, series, name, target }: Source & { name: string; target: ActiveTarget | undefined }) {
  const own = metricSelector(name, `job="${escapeValue(job)}", instance="${escapeValue(instance)}"`);
  return (
    <tr>
      <td>{job === '' ? <span className="bw-dim">no job</span> : job}</td>
      <td>
        <PageLink to="/explore" search={exploreCodec.encode({ q: [own] })} title="Explore the series of this instance">
          {instance === '' ? 'no instance' : instance}
        </PageLink>
      </td>
      <td>
        {target === undefined ? (
          <span className="bw-dim">no target</span>
        ) : (
          <PageLink
            to="/system/targets"
            search={targetsCodec.encode({ open: `${target.scrapePool}|${target.scrapeUrl}` })}
            title="Look at the target"
          >
            <HealthBadge health={target.health} />
          </PageLink>
        )}
      </td>
      <td data-numeric>{formatCount(series)}</td>
    </tr>
  );
}
