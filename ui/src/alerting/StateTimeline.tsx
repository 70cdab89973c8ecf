import { useRef } from 'react';
import { LabelText } from '../labels/LabelText';
import { commonLabels, withoutCommon } from '../labels/labels';
import { useVirtualRows } from '../lists/useVirtualRows';
import type { Span } from '../time/bound';
import { TimeAxis } from '../time/TimeAxis';
import type { Zone } from '../time/zone';
import classes from './alerting.module.css';
import type { AlertPast } from './history';
import { StateStrip } from './StateStrip';

const ROW_PX = 26;

interface StateTimelineProps {
  /** Names the list. */
  label: string;
  pasts: readonly AlertPast[];
  span: Span;
  zone: Zone;
}

/** Alerts below each other, each with its states over one time axis. */
export function StateTimeline({ label, pasts, span, zone }: StateTimelineProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const view = useVirtualRows(pasts.length, ROW_PX, scroller);
  // Of one alert, the name says nothing that the title does not.
  const common =
    pasts.length === 1
      ? { alertname: pasts[0]?.labels.alertname ?? '' }
      : commonLabels(pasts.map(({ labels }) => labels));
  return (
    <div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard */}
      <section ref={scroller} className={classes.timelineRows} aria-label={label} tabIndex={0}>
        <div style={{ height: view.before }} />
        {view.rows.map((index) => {
          const past = pasts[index];
          if (past === undefined) return null;
          return (
            <div key={past.key} className={classes.timelineRow} data-row>
              <span className={classes.timelineName} title={past.key}>
                <LabelText labels={withoutCommon(past.labels, common)} fallback={past.labels.alertname ?? 'alert'} />
              </span>
              <StateStrip stretches={past.stretches} span={span} zone={zone} />
            </div>
          );
        })}
        <div style={{ height: view.after }} />
      </section>
      <div className={classes.timelineRow}>
        <span />
        <TimeAxis span={span} zone={zone} />
      </div>
    </div>
  );
}
