import type { ReactNode } from 'react';
import { plural } from '../../format/value';
import { PageLink } from '../../nav/links';
import { Panel } from '../../panel/Panel';
import { QueryText } from '../../promql/QueryText';
import { type PackTab, packsCodec } from '../../url/pages';
import classes from './metric.module.css';
import type { MetricUses } from './uses';

/** The alerts, objectives, recordings and panels of packs that ask about a metric. */
export function UsesPanel({ uses }: { uses: readonly MetricUses[] }) {
  const number = uses.reduce(
    (sum, { alerts, objectives, recordings, panels }) =>
      sum + alerts.length + objectives.length + recordings.length + panels.length,
    0,
  );
  if (number === 0) return null;
  return (
    <Panel title="Used by" note={plural(number, 'place')} flush>
      {uses.map((one) => (
        <UsesOfPack key={one.pack.name} uses={one} />
      ))}
    </Panel>
  );
}

function UsesOfPack({ uses: { pack, alerts, objectives, recordings, panels } }: { uses: MetricUses }) {
  const link = (tab: PackTab) => packsCodec.encode({ pack: pack.name, tab });
  return (
    <ul className={classes.uses}>
      {alerts.map(({ name, severity, for: wait, expr, when }) => (
        <Use
          key={`alert ${name}`}
          kind="alert"
          note={[severity, wait && wait !== '0s' && `after ${wait}`].filter(Boolean).join(', ')}
          {...{ name, expr, text: when, search: link('alerts') }}
        />
      ))}
      {objectives.map(({ name, objective, over, expr }) => (
        <Use
          key={`objective ${name}`}
          kind="objective"
          note={`${objective} % over ${over}`}
          {...{ name, expr, search: link('slos') }}
        />
      ))}
      {recordings.map(({ name, expr }) => (
        <Use key={`recording ${name}`} kind="recording" note="" {...{ name, expr, search: link('expressions') }} />
      ))}
      {panels.map(({ dashboard, panel: { title, exprs } }) => (
        <Use
          key={`panel ${dashboard} ${title}`}
          kind="panel"
          note={dashboard}
          {...{ name: title, expr: exprs[0] ?? null, search: link('dashboards') }}
        />
      ))}
    </ul>
  );
}

interface UseProps {
  kind: string;
  name: string;
  note: string;
  /** Where in the pack it stands. */
  search: ReturnType<typeof packsCodec.encode>;
  expr: string | null;
  /** What is shown in the place of the query. */
  text?: string;
}

function Use({ kind, name, note, search, expr, text }: UseProps): ReactNode {
  return (
    <li>
      <span className={classes.use}>
        <span className="bw-tag">{kind}</span>
        <PageLink to="/system/packs" search={search}>
          {name}
        </PageLink>
        <span className="bw-dim">{note}</span>
      </span>
      {expr !== null && (
        <QueryText expr={expr} label={name}>
          {text ?? expr}
        </QueryText>
      )}
    </li>
  );
}
