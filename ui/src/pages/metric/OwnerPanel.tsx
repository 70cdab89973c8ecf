import { useQuery } from '@tanstack/react-query';
import { PACKS_QUERY } from '../../api/queries';
import { PageLink } from '../../nav/links';
import { Panel } from '../../panel/Panel';
import { packsCodec } from '../../url/pages';
import { MetricPromise } from '../packs/MetricPromise';
import { ownerOf } from '../packs/verdicts';

/** What the pack that owns a metric promises about it, and who exposes it; nothing if no pack does. */
export function OwnerPanel({ name }: { name: string }) {
  const packs = useQuery(PACKS_QUERY);
  const owner = packs.data && ownerOf(packs.data.packs, name);
  if (packs.data === undefined || owner === undefined) return null;
  const { pack, metric } = owner;
  const link = (
    <PageLink to="/system/packs" search={packsCodec.encode({ pack: pack.name, metric: metric.name })}>
      {pack.title} {pack.version}
    </PageLink>
  );
  return (
    <Panel title="Promised by" note={link}>
      <MetricPromise pack={pack} metric={metric} targets={packs.data.targets} />
    </Panel>
  );
}
