import { formatValue } from '../../format/value';
import classes from './storage.module.css';

interface BarShareProps {
  /** The same in words. */
  label: string;
  shares: readonly { name: string; size: number; colour: number }[];
}

/** Shares of a whole as one bar, with a key below it. */
export function BarShare({ label, shares }: BarShareProps) {
  const all = Math.max(
    1,
    shares.reduce((sum, { size }) => sum + size, 0),
  );
  return (
    <>
      <div className={classes.shares} role="img" aria-label={label}>
        {shares.map(({ name, size, colour }) => (
          <span key={name} style={{ width: `${(100 * size) / all}%`, background: `var(--bw-series-${colour})` }} />
        ))}
      </div>
      <ul className={classes.key}>
        {shares.map(({ name, size, colour }) => (
          <li key={name}>
            <span className={classes.swatch} style={{ background: `var(--bw-series-${colour})` }} />
            {name} <b>{formatValue(size, 'bytes')}</b>
          </li>
        ))}
      </ul>
    </>
  );
}
