import type { SeriesStyle } from '../theme/series';
import classes from './charts.module.css';

/** A short piece of a line in its colour and dashes; hollow while the line is hidden. */
export function Swatch({ style, on = true }: { style: SeriesStyle; on?: boolean }) {
  return (
    <svg className={classes.swatch} width="16" height="8" viewBox="0 0 16 8" aria-hidden="true">
      <line
        x1="0"
        y1="4"
        x2="16"
        y2="4"
        stroke={on ? `var(${style.token})` : 'var(--bw-control)'}
        strokeWidth={on ? 3 : 1}
        strokeDasharray={style.dash.join(' ')}
      />
    </svg>
  );
}
