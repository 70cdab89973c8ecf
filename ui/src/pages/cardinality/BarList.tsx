import { UnstyledButton } from '@mantine/core';
import { formatCount } from '../../format/value';
import classes from './cardinality.module.css';

interface BarListProps {
  rows: readonly { name: string; size: number }[];
  onChoose(name: string): void;
}

/** Names with their number of series as bars; each leads on. */
export function BarList({ rows, onChoose }: BarListProps) {
  const most = Math.max(1, ...rows.map(({ size }) => size));
  return (
    <ul className={classes.ranking}>
      {rows.map(({ name, size }) => (
        <li key={name}>
          <UnstyledButton className={classes.row} disabled={name === ''} onClick={() => onChoose(name)}>
            <span className={classes.size} style={{ width: `${(100 * size) / most}%` }} />
            <span className={classes.name} title={name}>
              {name === '' ? '(without a name)' : name}
            </span>
            <span className={classes.text}>{formatCount(size)}</span>
          </UnstyledButton>
        </li>
      ))}
    </ul>
  );
}
