import type { Notification } from '../../api/alerting';
import { plural } from '../../format/value';
import { LabelText } from '../../labels/LabelText';
import type { Column } from '../../lists/columns';
import { ListTable } from '../../lists/ListTable';
import { OpenButton, Under } from '../../lists/rows';
import { useTime } from '../../nav/time';
import { StateWord } from '../../states/StateWord';
import { formatClock, formatMoment } from '../../time/zone';
import { keyOf, STATUS_LOOKS } from './notification';
import own from './notifications.module.css';

interface NotificationTableProps {
  notifications: readonly Notification[];
  openKey: string;
  onOpen(key: string): void;
}

/** Messages, the newest first. */
export function NotificationTable({ notifications, openKey, onOpen }: NotificationTableProps) {
  const { zone } = useTime();
  const now = Date.now();
  const columns: Column<Notification>[] = [
    {
      head: 'Status',
      cell: ({ status }) => <StateWord look={STATUS_LOOKS[status].look}>{STATUS_LOOKS[status].word}</StateWord>,
    },
    {
      head: 'About',
      main: true,
      cell: ({ kind, groupLabels, error, reason }, opening) => (
        <>
          <OpenButton {...opening}>
            <LabelText labels={groupLabels} fallback={kind === 'test' ? 'a test' : 'all alerts of the route'} />
          </OpenButton>
          <Under title={error}>{error === '' ? reason : <span className={own.error}>{error}</span>}</Under>
        </>
      ),
    },
    {
      head: 'Receiver',
      extra: true,
      cell: ({ receiver, integration }) => (
        <>
          {receiver} <span className="bw-dim">{integration}</span>
        </>
      ),
    },
    { head: 'Alerts', extra: true, numeric: true, cell: counts },
    {
      head: 'Time',
      numeric: true,
      cell: (one) => formatClock(secondOf(one), now, zone),
      title: (one) => formatMoment(secondOf(one), zone),
    },
  ];
  return (
    <ListTable
      label="Notifications"
      columns={columns}
      rows={notifications}
      keyOf={keyOf}
      tall
      isOpen={(one) => keyOf(one) === openKey}
      onOpen={(one) => onOpen(keyOf(one))}
    />
  );
}

const secondOf = ({ time }: Notification) => Math.round(Date.parse(time) / 1000) * 1000;

function counts({ alerts }: Notification): string {
  const resolved = alerts.filter(({ status }) => status === 'resolved').length;
  const firing = alerts.length - resolved;
  if (resolved === 0) return plural(firing, 'firing', 'firing');
  return firing === 0 ? `${resolved} resolved` : `${firing} firing, ${resolved} resolved`;
}
