import { UnstyledButton } from '@mantine/core';
import { useRef } from 'react';
import classes from '../../alerting/alerting.module.css';
import type { Notification } from '../../api/alerting';
import { plural } from '../../format/value';
import { LabelText } from '../../labels/LabelText';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { useTime } from '../../nav/time';
import { StateWord } from '../../states/StateWord';
import { formatMoment } from '../../time/zone';
import { keyOf, STATUS_LOOKS } from './notification';
import own from './notifications.module.css';

const COLUMNS = 5;
const ROW_PX = 48;

interface NotificationTableProps {
  notifications: readonly Notification[];
  openKey: string;
  onOpen(key: string): void;
}

/** Messages, the newest first. */
export function NotificationTable({ notifications, openKey, onOpen }: NotificationTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { zone } = useTime();
  const view = useVirtualRows(notifications.length, ROW_PX, scroller);
  const [chosen] = useRowKeys(notifications.length, {
    open: (index) => {
      const one = notifications[index];
      if (one !== undefined) onOpen(keyOf(one));
    },
    scrollTo: view.scrollTo,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <section ref={scroller} className={`bw-panel ${classes.scroller}`} aria-label="Notifications" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">About</th>
            <th scope="col" className={classes.extra}>
              Receiver
            </th>
            <th scope="col" data-numeric className={classes.extra}>
              Alerts
            </th>
            <th scope="col" data-numeric>
              Time
            </th>
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={COLUMNS} />
          {view.rows.map((index) => {
            const one = notifications[index];
            if (one === undefined) return null;
            const key = keyOf(one);
            const { look, word } = STATUS_LOOKS[one.status];
            const ms = Math.round(Date.parse(one.time) / 1000) * 1000;
            return (
              <tr
                key={key}
                data-row
                data-open={key === openKey || undefined}
                data-chosen={index === chosen || undefined}
              >
                <td>
                  <StateWord look={look}>{word}</StateWord>
                </td>
                <td className={`${classes.grow} ${own.about}`}>
                  <UnstyledButton className={classes.open} aria-expanded={key === openKey} onClick={() => onOpen(key)}>
                    <LabelText labels={one.groupLabels} fallback="all alerts of the route" />
                  </UnstyledButton>
                  <div className={one.error === '' ? classes.under : own.error} title={one.error}>
                    {one.error === '' ? one.reason : one.error}
                  </div>
                </td>
                <td className={classes.extra}>
                  {one.receiver} <span className="bw-dim">{one.integration}</span>
                </td>
                <td data-numeric className={classes.extra}>
                  {counts(one)}
                </td>
                <td data-numeric>{formatMoment(ms, zone)}</td>
              </tr>
            );
          })}
          <SpacerRow height={view.after} columns={COLUMNS} />
        </tbody>
      </table>
    </section>
  );
}

function counts({ alerts }: Notification): string {
  const resolved = alerts.filter(({ status }) => status === 'resolved').length;
  const firing = alerts.length - resolved;
  if (resolved === 0) return plural(firing, 'firing', 'firing');
  return firing === 0 ? `${resolved} resolved` : `${firing} firing, ${resolved} resolved`;
}
