import { UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import type { CheckedTarget, Pack, PackMetric } from '../../api/packs';
import { formatCount, plural } from '../../format/value';
import { MetricName } from '../../labels/MetricName';
import { wordFilter } from '../../lists/matches';
import { PageLink } from '../../nav/links';
import { Part } from '../../panel/Panel';
import { TypeBadge } from '../metrics/TypeBadge';
import { MetricPromise } from './MetricPromise';
import classes from './packs.module.css';
import { type Checked, storedName } from './verdicts';

interface MetricsTabProps {
  pack: Pack;
  targets: readonly CheckedTarget[];
  checked: readonly Checked[];
  filter: string;
  /** The metric whose details are open. */
  metric: string;
  onMetric(name: string): void;
}

/** The metrics of a pack in their groups. */
export function MetricsTab({ pack, targets, checked, filter, metric, onMetric }: MetricsTabProps) {
  const matches = wordFilter(filter);
  const passing = pack.metrics.filter(({ name, help }) => matches(`${name} ${help}`));
  // A filter that chose the pack by its title says nothing about metrics.
  const shown = passing.length === 0 ? pack.metrics : passing;
  return (
    <>
      {shown.length < pack.metrics.length && (
        <p className="bw-text">
          {formatCount(shown.length)} of {plural(pack.metrics.length, 'metric')} pass the filter.
        </p>
      )}
      {inGroups(shown).map(([group, metrics]) => (
        <Part key={group} title={group} count={metrics.length} label={`Metrics ${group}`.trim()}>
          <ul className={classes.list}>
            {metrics.map((one) => (
              <MetricRow
                key={one.name}
                {...{ pack, targets, checked }}
                metric={one}
                open={one.name === metric}
                onOpen={() => onMetric(one.name)}
              />
            ))}
          </ul>
        </Part>
      ))}
    </>
  );
}

/** The metrics by their groups, in the order in which the pack has these. */
function inGroups(metrics: readonly PackMetric[]): (readonly [group: string, metrics: PackMetric[]])[] {
  const groups = [...new Set(metrics.map(({ group }) => group))];
  return groups.map((group) => [group, metrics.filter((metric) => metric.group === group)]);
}

interface MetricRowProps {
  pack: Pack;
  metric: PackMetric;
  targets: readonly CheckedTarget[];
  checked: readonly Checked[];
  open: boolean;
  onOpen(): void;
}

function MetricRow({ pack, metric, targets, checked, open, onOpen }: MetricRowProps) {
  const exposing = checked.filter(({ verdict }) => verdict.exposed.includes(metric.name)).length;
  return (
    <li>
      <UnstyledButton className={classes.metric} aria-expanded={open} onClick={onOpen}>
        <IconChevronRight size={14} className={classes.chevron} aria-hidden="true" />
        <code>
          <MetricName name={metric.name} />
        </code>
        <TypeBadge type={metric.type} />
        <span className={classes.unit}>{metric.unit}</span>
        <span className={classes.help}>
          {metric.stability !== 'stable' && <span className="bw-tag">{metric.stability}</span>}
          {metric.help}
        </span>
        <span className={classes.exposing}>{exposing > 0 && plural(exposing, 'target')}</span>
      </UnstyledButton>
      {open && (
        <div className={classes.promise}>
          <MetricPromise pack={pack} metric={metric} targets={targets} />
          <PageLink to="/metrics/$name" params={{ name: storedName(metric) }}>
            Look at what is stored
          </PageLink>
        </div>
      )}
    </li>
  );
}
