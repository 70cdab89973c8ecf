import { ActionIcon, Tooltip, UnstyledButton } from '@mantine/core';
import { IconBellOff } from '@tabler/icons-react';
import { useMemo } from 'react';
import { type Alert, type AlertGroup, countStates, summaryOf } from '../../alerting/alerts';
import { ofActive } from '../../alerting/history';
import { StateStrip } from '../../alerting/StateStrip';
import { useAcknowledgements } from '../../alerting/useAcknowledgements';
import type { Past } from '../../alerting/usePast';
import { ValueLine } from '../../alerting/ValueLine';
import type { Silence } from '../../api/alerting';
import { formatCount, formatExact, formatTabular } from '../../format/value';
import { LabelChips, LabelText } from '../../labels/LabelText';
import type { Labels } from '../../labels/labels';
import type { Column, Opening } from '../../lists/columns';
import { ListTable } from '../../lists/ListTable';
import type { ListGroup } from '../../lists/lines';
import type { GroupHead } from '../../lists/rows';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { AlertBadge } from '../../states/AlertBadge';
import { formatSince } from '../../time/duration';
import { formatMoment } from '../../time/zone';
import own from './alerts.module.css';

/** The values of the alerts of so many rules are asked for and drawn. */
const MOST_LINES = 20;

interface AlertTableProps {
  groups: readonly AlertGroup[];
  past: Past | undefined;
  openKey: string;
  onOpen(key: string): void;
  onAcknowledge(alert: Alert): void;
  /** Silences alerts by labels; undefined where that is not possible. */
  onSilence: ((labels: Labels) => void) | undefined;
}

export function AlertTable({ groups, past, openKey, onOpen, onAcknowledge, onSilence }: AlertTableProps) {
  const now = useNow();
  const { zone } = useTime();
  const listed = useMemo(() => groups.map((group) => listedGroup(group, onSilence)), [groups, onSilence]);
  const lined = useMemo(() => new Set(withValues(groups).slice(0, MOST_LINES)), [groups]);
  const takenBy = useAcknowledgements({ enabled: onSilence !== undefined });
  /** What the heads of the groups tell already. */
  const told = new Set(Object.keys(groups[0]?.labels ?? {}));
  const columns: Column<Alert>[] = [
    {
      head: 'State',
      cell: (alert) => <AlertBadge state={takenBy(alert) === undefined ? alert.state : 'acknowledged'} />,
    },
    {
      head: 'Alert',
      main: true,
      cell: (alert, opening) => <Named alert={alert} told={told} taken={takenBy(alert)} now={now} {...opening} />,
    },
    {
      head: 'In this time range',
      extra: true,
      className: own.stripColumn,
      cell: (alert) => (
        <>
          {alert.value !== undefined && lined.has(alert.labels.alertname ?? '') && <ValueLine alert={alert} />}
          {past && <StateStrip stretches={stretchesOf(alert, past, now)} span={past.span} zone={zone} />}
        </>
      ),
    },
    {
      head: 'Value',
      extra: true,
      numeric: true,
      cell: ({ value }) => (value === undefined ? '–' : formatTabular(value, 'short')),
      title: ({ value }) => (value === undefined ? undefined : formatExact(value)),
    },
    {
      head: 'Since',
      numeric: true,
      className: own.since,
      cell: ({ sinceMs }) => formatSince(sinceMs, now),
      title: ({ sinceMs }) => formatMoment(Math.round(sinceMs / 1000) * 1000, zone),
    },
  ];
  // Otherwise they are meant for the alert that is open.
  const keys = onSilence !== undefined &&
    openKey === '' && { a: onAcknowledge, s: ({ labels }: Alert) => onSilence(labels) };
  return (
    <ListTable
      label="Alerts"
      columns={columns}
      groups={listed}
      folds
      keyOf={keyOf}
      tall
      isOpen={({ key }) => key === openKey}
      onOpen={({ key }) => onOpen(key)}
      keys={keys || {}}
    />
  );
}

const keyOf = ({ key }: Alert) => key;

/** The names of the alerts that come from rules of this server, those on top first. */
function withValues(groups: readonly AlertGroup[]): string[] {
  const alerts = groups.flatMap((group) => group.alerts).filter(({ value }) => value !== undefined);
  return [...new Set(alerts.map(({ labels }) => labels.alertname ?? ''))];
}

type OnSilence = AlertTableProps['onSilence'];

function listedGroup(group: AlertGroup, onSilence: OnSilence): ListGroup<Alert> {
  const { key, labels, alerts: rows } = group;
  // Alerts that are not grouped need no head.
  if (Object.keys(labels).length === 0) return { key, rows };
  return { key, rows, head: () => headOf(group, onSilence) };
}

function headOf({ labels, alerts }: AlertGroup, onSilence: OnSilence): GroupHead {
  const { firing, pending, suppressed } = countStates(alerts);
  const counts = [
    firing > 0 && `${formatCount(firing)} firing`,
    pending > 0 && `${formatCount(pending)} pending`,
    suppressed > 0 && `${formatCount(suppressed)} suppressed`,
  ].filter((part) => part !== false);
  const values = Object.values(labels);
  const [only] = values;
  return {
    name: 'alertname' in labels && values.length === 1 ? only : <LabelText labels={labels} />,
    note: counts.join(', '),
    actions: onSilence !== undefined && values.some((value) => value !== '') && (
      <Tooltip label="Silence the group">
        <ActionIcon size={22} aria-label={`Silence ${values.join(', ')}`} onClick={() => onSilence(nonEmpty(labels))}>
          <IconBellOff size={14} />
        </ActionIcon>
      </Tooltip>
    ),
  };
}

const nonEmpty = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));

interface NamedProps extends Opening {
  alert: Alert;
  /** The labels that are told elsewhere. */
  told: ReadonlySet<string>;
  /** The silence by which somebody has taken it over. */
  taken: Silence | undefined;
  now: number;
}

/** What an alert is about, who has taken it over, and its labels. */
function Named({ alert, told, taken, now, open, onOpen }: NamedProps) {
  const labels = Object.fromEntries(
    Object.entries(alert.labels).filter(([name]) => name !== 'alertname' && !told.has(name)),
  );
  const named = told.has('alertname') ? '' : (alert.labels.alertname ?? '');
  return (
    <>
      <UnstyledButton className={own.alertButton} aria-expanded={open} onClick={onOpen}>
        <span className={own.alertName}>
          {named}
          {named === '' && (summaryOf(alert.annotations) || alert.labels.alertname)}
        </span>
        {named !== '' && <span className={own.summary}>{summaryOf(alert.annotations)}</span>}
        {taken !== undefined && (
          <span className={`bw-tag ${own.taken}`}>
            {taken.comment}, {formatSince(Date.parse(taken.startsAt), now)}
          </span>
        )}
      </UnstyledButton>
      <LabelChips labels={labels} fading />
    </>
  );
}

/** The past of an alert in the time range, up to now. */
export function stretchesOf({ pastKey, state, sinceMs }: Alert, { alerts, span }: Past, now: number) {
  return ofActive(alerts.get(pastKey), { state: state === 'pending' ? 'pending' : 'firing', sinceMs }, span, now);
}
