import type { ReactNode } from 'react';
import type { RuleInGroup } from '../../alerting/rules';
import { plural } from '../../format/value';
import { type Destination, PageLink } from '../../nav/links';
import { Panel } from '../../panel/Panel';
import { QueryText } from '../../promql/QueryText';
import { ruleCodec } from '../../url/alerting';
import { type PackTab, packsCodec } from '../../url/pages';
import classes from './metric.module.css';
import type { MetricUses } from './uses';

interface UsesPanelProps {
  /** What packs ask about the metric. */
  uses: readonly MetricUses[];
  /** The rules that the server evaluates and that ask for it. */
  rules: readonly RuleInGroup[];
}

/** The rules that ask about a metric, and the alerts, objectives, recordings and panels of packs that do. */
export function UsesPanel({ uses, rules }: UsesPanelProps) {
  const number = uses.reduce(
    (sum, { alerts, objectives, recordings, panels }) =>
      sum + alerts.length + objectives.length + recordings.length + panels.length,
    rules.length,
  );
  if (number === 0) return null;
  return (
    <Panel title="Used by" note={plural(number, 'place')} flush>
      {rules.length > 0 && (
        <ul className={classes.uses}>
          {rules.map(({ group, rule }) => (
            <Use
              key={`${group.file} ${group.name} ${rule.name} ${rule.query}`}
              kind="rule"
              note={rule.type === 'alerting' ? rule.state : 'recording'}
              name={rule.name}
              expr={rule.query}
              to={{
                to: '/rules/$name',
                params: { name: rule.name },
                search: ruleCodec.encode({ file: group.file, group: group.name }),
              }}
            />
          ))}
        </ul>
      )}
      {uses.map((one) => (
        <UsesOfPack key={one.pack.name} uses={one} />
      ))}
    </Panel>
  );
}

function UsesOfPack({ uses: { pack, alerts, objectives, recordings, panels } }: { uses: MetricUses }) {
  const link = (tab: PackTab): Destination => ({
    to: '/system/packs',
    search: packsCodec.encode({ pack: pack.name, tab }),
  });
  return (
    <ul className={classes.uses}>
      {alerts.map(({ name, severity, for: wait, expr, when }) => (
        <Use
          key={`alert ${name}`}
          kind="alert"
          note={[severity, wait && wait !== '0s' && `after ${wait}`].filter(Boolean).join(', ')}
          {...{ name, expr, text: when, to: link('alerts') }}
        />
      ))}
      {objectives.map(({ name, objective, over, expr }) => (
        <Use
          key={`objective ${name}`}
          kind="objective"
          note={`${objective} % over ${over}`}
          {...{ name, expr, to: link('slos') }}
        />
      ))}
      {recordings.map(({ name, expr }) => (
        <Use key={`recording ${name}`} kind="recording" note="" {...{ name, expr, to: link('expressions') }} />
      ))}
      {panels.map(({ dashboard, panel: { title, exprs } }) => (
        <Use
          key={`panel ${dashboard} ${title}`}
          kind="panel"
          note={dashboard}
          {...{ name: title, expr: exprs[0] ?? null, to: link('dashboards') }}
        />
      ))}
    </ul>
  );
}

interface UseProps {
  kind: string;
  name: string;
  note: string;
  /** Where there is more about it. */
  to: Destination;
  expr: string | null;
  /** What is shown in the place of the query. */
  text?: string;
}

function Use({ kind, name, note, to, expr, text }: UseProps): ReactNode {
  return (
    <li>
      <span className={classes.use}>
        <span className="bw-tag">{kind}</span>
        <PageLink {...to}>{name}</PageLink>
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
