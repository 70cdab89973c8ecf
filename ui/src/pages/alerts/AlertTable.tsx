import { ActionIcon, Tooltip, UnstyledButton } from '@mantine/core';
import { IconBellOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { type Alert, type AlertGroup, countStates, summaryOf } from '../../alerting/alerts';
import { isAcknowledgement } from '../../alerting/draft';
import { ofActive } from '../../alerting/history';
import { StateStrip } from '../../alerting/StateStrip';
import type { Past } from '../../alerting/usePast';
import { ValueLine } from '../../alerting/ValueLine';
import type { Silence } from '../../api/alerting';
import { SILENCES_QUERY } from '../../api/queries';
import { formatCount, formatExact, formatTabular } from '../../format/value';
import { LabelChips, LabelText } from '../../labels/LabelText';
import type { Labels } from '../../labels/labels';
import { ListTable } from '../../lists/ListTable';
import { GroupRow, MainCell, ROW_PX, Row } from '../../lists/rows';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { AlertBadge } from '../../states/AlertBadge';
import { formatAgo } from '../../time/duration';
import { formatMoment } from '../../time/zone';
import own from './alerts.module.css';

const COLUMNS = 5;
/** The values of the alerts of so many rules are asked for and drawn. */
const MOST_LINES = 20;

type Listed = { kind: 'group'; group: AlertGroup; open: boolean } | { kind: 'alert'; alert: Alert; group: AlertGroup };

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
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => rowsOf(groups, closed), [groups, closed]);
  // Otherwise they are meant for the alert that is open.
  const keys = onSilence !== undefined &&
    openKey === '' && {
      a: (row: Listed) => row.kind === 'alert' && onAcknowledge(row.alert),
      s: (row: Listed) => row.kind === 'alert' && onSilence(row.alert.labels),
    };
  const lined = useMemo(() => new Set(withValues(groups).slice(0, MOST_LINES)), [groups]);
  const silences = useQuery({ ...SILENCES_QUERY, enabled: onSilence !== undefined }).data ?? [];
  const toggle = (key: string) => {
    const next = new Set(closed);
    if (!next.delete(key)) next.add(key);
    setClosed(next);
  };
  return (
    <ListTable
      label="Alerts"
      columns={COLUMNS}
      head={
        <>
          <th scope="col">State</th>
          <th scope="col">Alert</th>
          <th scope="col" data-extra className={own.stripColumn}>
            In this time range
          </th>
          <th scope="col" data-extra data-numeric>
            Value
          </th>
          <th scope="col" data-numeric className={own.since}>
            Since
          </th>
        </>
      }
      rows={rows}
      rowPx={heightOf}
      stops={isAlert}
      onOpen={(row) => onOpen(alertOf(row)?.key ?? '')}
      keys={keys || {}}
    >
      {(row, chosen) =>
        row.kind === 'group' ? (
          <AlertGroupRow key={`group ${row.group.key}`} {...row} onToggle={toggle} onSilence={onSilence} />
        ) : (
          <AlertRow
            key={row.alert.key}
            alert={row.alert}
            group={row.group.labels}
            past={past}
            silences={silences}
            now={now}
            lined={lined.has(row.alert.labels.alertname ?? '')}
            open={row.alert.key === openKey}
            chosen={chosen}
            onOpen={() => onOpen(row.alert.key)}
          />
        )
      }
    </ListTable>
  );
}

/** The names of the alerts that come from rules of this server, those on top first. */
function withValues(groups: readonly AlertGroup[]): string[] {
  const alerts = groups.flatMap((group) => group.alerts).filter(({ value }) => value !== undefined);
  return [...new Set(alerts.map(({ labels }) => labels.alertname ?? ''))];
}

const heightOf = ({ kind }: Listed) => (kind === 'group' ? ROW_PX.group : ROW_PX.two);
const isAlert = ({ kind }: Listed) => kind === 'alert';
const alertOf = (row: Listed | undefined) => (row?.kind === 'alert' ? row.alert : undefined);

function rowsOf(groups: readonly AlertGroup[], closed: ReadonlySet<string>): Listed[] {
  return groups.flatMap((group) => {
    const alerts = group.alerts.map((alert): Listed => ({ kind: 'alert', alert, group }));
    // Alerts that are not grouped need no head.
    if (Object.keys(group.labels).length === 0) return alerts;
    const open = !closed.has(group.key);
    const head: Listed = { kind: 'group', group, open };
    return open ? [head, ...alerts] : [head];
  });
}

interface AlertGroupRowProps {
  group: AlertGroup;
  open: boolean;
  onToggle(key: string): void;
  onSilence: ((labels: Labels) => void) | undefined;
}

function AlertGroupRow({ group, open, onToggle, onSilence }: AlertGroupRowProps) {
  const { firing, pending, suppressed } = countStates(group.alerts);
  const counts = [
    firing > 0 && `${formatCount(firing)} firing`,
    pending > 0 && `${formatCount(pending)} pending`,
    suppressed > 0 && `${formatCount(suppressed)} suppressed`,
  ].filter((part) => part !== false);
  const values = Object.values(group.labels);
  const [only] = values;
  return (
    <GroupRow
      columns={COLUMNS}
      name={'alertname' in group.labels && values.length === 1 ? only : <LabelText labels={group.labels} />}
      note={counts.join(', ')}
      open={open}
      onToggle={() => onToggle(group.key)}
      actions={
        onSilence !== undefined &&
        values.some((value) => value !== '') && (
          <Tooltip label="Silence the group">
            <ActionIcon
              size={22}
              aria-label={`Silence ${values.join(', ')}`}
              onClick={() => onSilence(nonEmpty(group.labels))}
            >
              <IconBellOff size={14} />
            </ActionIcon>
          </Tooltip>
        )
      }
    />
  );
}

const nonEmpty = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));

interface AlertRowProps {
  alert: Alert;
  /** What the head of the group tells already. */
  group: Labels;
  past: Past | undefined;
  silences: readonly Silence[];
  now: number;
  /** Whether the line of its value is drawn. */
  lined: boolean;
  open: boolean;
  chosen: boolean;
  onOpen(): void;
}

function AlertRow({ alert, group, past, silences, now, lined, open, chosen, onOpen }: AlertRowProps) {
  const { zone } = useTime();
  const labels = Object.fromEntries(
    Object.entries(alert.labels).filter(([name]) => name !== 'alertname' && group[name] === undefined),
  );
  const taken = silences.find(
    (silence) => alert.router?.status.silencedBy.includes(silence.id) === true && isAcknowledgement(silence),
  );
  const named = group.alertname === undefined ? (alert.labels.alertname ?? '') : '';
  return (
    <Row open={open} chosen={chosen} tall>
      <td>
        <AlertBadge state={alert.state} />
      </td>
      <MainCell>
        <UnstyledButton className={own.alertButton} aria-expanded={open} onClick={onOpen}>
          <span className={own.alertName}>
            {named}
            {named === '' && (summaryOf(alert.annotations) || alert.labels.alertname)}
          </span>
          {named !== '' && <span className={own.summary}>{summaryOf(alert.annotations)}</span>}
          {taken !== undefined && <span className={`bw-tag ${own.taken}`}>{taken.comment}</span>}
        </UnstyledButton>
        <LabelChips labels={labels} fading />
      </MainCell>
      <td data-extra className={own.stripColumn}>
        {lined && alert.value !== undefined && <ValueLine alert={alert} />}
        {past !== undefined && <StateStrip stretches={stretchesOf(alert, past, now)} span={past.span} zone={zone} />}
      </td>
      <td data-extra data-numeric title={alert.value === undefined ? undefined : formatExact(alert.value)}>
        {alert.value === undefined ? '–' : formatTabular(alert.value, 'short')}
      </td>
      <td data-numeric className={own.since} title={formatMoment(Math.round(alert.sinceMs / 1000) * 1000, zone)}>
        {formatAgo(Math.max(0, now - alert.sinceMs))}
      </td>
    </Row>
  );
}

/** The past of an alert in the time range, up to now. */
export function stretchesOf({ pastKey, state, sinceMs }: Alert, { alerts, span }: Past, now: number) {
  return ofActive(alerts.get(pastKey), { state: state === 'pending' ? 'pending' : 'firing', sinceMs }, span, now);
}
