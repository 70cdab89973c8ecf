import { IconCircleCheck, IconCircleX, IconHelpCircle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/client';
import { METRIC_NAMES_QUERY } from '../../api/queries';
import type { ActiveTarget } from '../../api/types';
import { formatCount, formatValue } from '../../format/value';
import { type Destination, PageLink } from '../../nav/links';
import { targetsCodec } from '../../url/pages';
import classes from './home.module.css';

const REFRESH_MS = 10_000;

/** The figures that tell whether data comes in. Each leads to the page behind it. */
export function StatusTiles({ targets, ingest }: { targets: readonly ActiveTarget[]; ingest: string }) {
  const rate = useQuery({
    queryKey: ['home', 'ingest'],
    queryFn: ({ signal }) => api.instant(ingest, Date.now(), signal),
    refetchInterval: REFRESH_MS,
  });
  const head = useQuery({
    queryKey: ['tsdb', 1],
    queryFn: ({ signal }) => api.tsdb(1, signal),
    refetchInterval: REFRESH_MS,
  });
  const names = useQuery({ ...METRIC_NAMES_QUERY, refetchInterval: REFRESH_MS });
  const result = rate.data?.data.result;
  const perSecond = result?.type === 'vector' ? result.samples[0]?.value : undefined;
  return (
    <div className={classes.tiles}>
      <HealthTile targets={targets} />
      <Tile to={{ to: '/explore' }} name="Samples scraped per second" note="mean of the last 5 minutes">
        {typeof perSecond === 'number' ? formatValue(perSecond) : '–'}
      </Tile>
      <Tile to={{ to: '/system/cardinality' }} name="Active series" note="in memory">
        {head.data === undefined ? '–' : formatCount(head.data.headStats.numSeries)}
      </Tile>
      <Tile to={{ to: '/metrics/' }} name="Metric names" note="stored">
        {names.data === undefined ? '–' : formatCount(names.data.length)}
      </Tile>
    </div>
  );
}

function HealthTile({ targets }: { targets: readonly ActiveTarget[] }) {
  const count = (health: ActiveTarget['health']) => targets.filter((target) => target.health === health).length;
  const [up, down, unknown] = [count('up'), count('down'), count('unknown')];
  const { Icon, look, note } =
    down > 0
      ? { Icon: IconCircleX, look: classes.bad, note: `${formatCount(down)} down` }
      : unknown > 0
        ? { Icon: IconHelpCircle, look: classes.waiting, note: `${formatCount(unknown)} not scraped yet` }
        : { Icon: IconCircleCheck, look: classes.good, note: targets.length === 0 ? 'none configured' : 'all up' };
  const search = targetsCodec.encode(down > 0 ? { health: 'down' } : {});
  return (
    <Tile
      to={{ to: '/system/targets', search }}
      name="Targets up"
      note={
        <span className={look}>
          <Icon size={13} aria-hidden="true" /> {note}
        </span>
      }
    >
      {formatCount(up)}
      <span className={classes.of}> / {formatCount(targets.length)}</span>
    </Tile>
  );
}

function Tile({ to, name, note, children }: { to: Destination; name: string; note: ReactNode; children: ReactNode }) {
  return (
    <PageLink {...to} className={`bw-panel ${classes.tile}`}>
      <span className={classes.tileName}>{name}</span>
      <span className={classes.tileValue}>{children}</span>
      <span className={classes.tileNote}>{note}</span>
    </PageLink>
  );
}
