import { UnstyledButton } from '@mantine/core';
import type { NamedSeries } from '../../api/cardinality';
import { formatCount } from '../../format/value';
import classes from './cardinality.module.css';

interface BarListProps {
  rows: readonly NamedSeries[];
  onChoose(name: string): void;
}

/** Names with their number of series as bars; each leads on. */
export function BarList({ rows, onChoose }: BarListProps) {
  const most = Math.max(1, ...rows.map(({ series }) => series));
  return (
    <ul className={classes.ranking}>
      {rows.map(({ name, series }) => (
        <li key={name}>
          <UnstyledButton className={classes.row} disabled={name === ''} onClick={() => onChoose(name)}>
            <span className={classes.size} style={{ width: `${(100 * series) / most}%` }} />
            <span className={classes.name} title={name}>
              {name === '' ? '(without a name)' : name}
            </span>
            <span className={classes.text}>{formatCount(series)}</span>
          </UnstyledButton>
        </li>
      ))}
    </ul>
  );
}
