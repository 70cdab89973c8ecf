import type { Span } from './bound';
import { timeMarks } from './marks';
import classes from './timeAxis.module.css';
import type { Zone } from './zone';

/** The marks of time below what is drawn over a span. */
export function TimeAxis({ span, zone }: { span: Span; zone: Zone }) {
  return (
    <div className={classes.axis} aria-hidden="true">
      {timeMarks(span, zone).map(({ time, text }) => (
        <span key={time} style={{ left: placeIn(time, time, span).left }}>
          {text}
        </span>
      ))}
    </div>
  );
}

/** Where a stretch of time lies in a span, as a style; what is outside of the span is cut off. */
export function placeIn(from: number, to: number, { start, end }: Span) {
  const share = (time: number) => (100 * (Math.min(end, Math.max(start, time)) - start)) / (end - start);
  return { left: `${share(from)}%`, width: `${share(to) - share(from)}%` };
}
