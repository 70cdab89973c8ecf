import type { Span } from '../time/bound';
import { formatDuration } from '../time/duration';
import { placeIn } from '../time/TimeAxis';
import { formatMomentShort, type Zone } from '../time/zone';
import classes from './alerting.module.css';
import { type Stretch, timeIn, timesFired } from './history';

interface StateStripProps {
  stretches: readonly Stretch[];
  span: Span;
  zone: Zone;
}

/** When an alert was pending and when it fired, over a span of time. */
export function StateStrip({ stretches, span, zone }: StateStripProps) {
  return (
    <span className={classes.strip} role="img" aria-label={pastInWords(stretches)}>
      {stretches.map(({ from, to, state }) => (
        <span
          key={`${from} ${state}`}
          className={classes.stretch}
          data-state={state}
          style={placeIn(from, to, span)}
          title={`${state} from ${formatMomentShort(toSecond(from), zone)} to ${formatMomentShort(toSecond(to), zone)}`}
        />
      ))}
    </span>
  );
}

const toSecond = (ms: number) => Math.round(ms / 1000) * 1000;

/** `fired 2 times for 12m in all`, for those who do not see the strip. */
export function pastInWords(stretches: readonly Stretch[]): string {
  const times = timesFired(stretches);
  const total = (state: Stretch['state']) => formatDuration(Math.round(timeIn(state, stretches) / 1000) * 1000);
  if (times > 0) return `fired ${times === 1 ? 'once' : `${times} times`}, for ${total('firing')} in all`;
  return stretches.length > 0 ? `pending for ${total('pending')} in all, never fired` : 'neither pending nor firing';
}
