import type { Notification } from '../../api/alerting';
import { plural } from '../../format/value';
import { LabelText } from '../../labels/LabelText';
import { ListTable } from '../../lists/ListTable';
import { MainCell, OpenButton, ROW_PX, Row } from '../../lists/rows';
import { useTime } from '../../nav/time';
import { StateWord } from '../../states/StateWord';
import { formatClock, formatMoment } from '../../time/zone';
import { keyOf, STATUS_LOOKS } from './notification';
import own from './notifications.module.css';

const COLUMNS = 5;

interface NotificationTableProps {
  notifications: readonly Notification[];
  openKey: string;
  onOpen(key: string): void;
}

/** Messages, the newest first. */
export function NotificationTable({ notifications, openKey, onOpen }: NotificationTableProps) {
  const { zone } = useTime();
  const now = Date.now();
  return (
    <ListTable
      label="Notifications"
      columns={COLUMNS}
      head={
        <>
          <th scope="col">Status</th>
          <th scope="col">About</th>
          <th scope="col" data-extra>
            Receiver
          </th>
          <th scope="col" data-extra data-numeric>
            Alerts
          </th>
          <th scope="col" data-numeric>
            Time
          </th>
        </>
      }
      rows={notifications}
      rowPx={ROW_PX.two}
      onOpen={(one) => onOpen(keyOf(one))}
    >
      {(one, chosen) => {
        const key = keyOf(one);
        const { look, word } = STATUS_LOOKS[one.status];
        const ms = Math.round(Date.parse(one.time) / 1000) * 1000;
        return (
          <Row key={key} open={key === openKey} chosen={chosen} tall>
            <td>
              <StateWord look={look}>{word}</StateWord>
            </td>
            <MainCell
              under={one.error === '' ? one.reason : <span className={own.error}>{one.error}</span>}
              underTitle={one.error}
            >
              <OpenButton open={key === openKey} onOpen={() => onOpen(key)}>
                <LabelText labels={one.groupLabels} fallback="all alerts of the route" />
              </OpenButton>
            </MainCell>
            <td data-extra>
              {one.receiver} <span className="bw-dim">{one.integration}</span>
            </td>
            <td data-extra data-numeric>
              {counts(one)}
            </td>
            <td data-numeric title={formatMoment(ms, zone)}>
              {formatClock(ms, now, zone)}
            </td>
          </Row>
        );
      }}
    </ListTable>
  );
}

function counts({ alerts }: Notification): string {
  const resolved = alerts.filter(({ status }) => status === 'resolved').length;
  const firing = alerts.length - resolved;
  if (resolved === 0) return plural(firing, 'firing', 'firing');
  return firing === 0 ? `${resolved} resolved` : `${firing} firing, ${resolved} resolved`;
}
