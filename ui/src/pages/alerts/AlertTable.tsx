import { ActionIcon, Tooltip, UnstyledButton } from '@mantine/core';
import { IconBellOff, IconChevronRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import classes from '../../alerting/alerting.module.css';
import { type Alert, type AlertGroup, countStates, summaryOf } from '../../alerting/alerts';
import { isAcknowledgement } from '../../alerting/draft';
import { unchanged } from '../../alerting/history';
import { StateStrip } from '../../alerting/StateStrip';
import type { Past } from '../../alerting/usePast';
import type { Silence } from '../../api/alerting';
import { SILENCES_QUERY } from '../../api/queries';
import { formatCount, formatExact, formatTabular } from '../../format/value';
import { LabelChips, LabelText } from '../../labels/LabelText';
import type { Labels } from '../../labels/labels';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { AlertBadge } from '../../states/AlertBadge';
import { formatAgo } from '../../time/duration';
import { formatMoment } from '../../time/zone';
import own from './alerts.module.css';

const COLUMNS = 5;
const ROW_PX = { group: 32, alert: 48 };

type Row = { kind: 'group'; group: AlertGroup; open: boolean } | { kind: 'alert'; alert: Alert; group: AlertGroup };

interface AlertTableProps {
  groups: readonly AlertGroup[];
  past: Past | undefined;
  openKey: string;
  onOpen(key: string): void;
  /** Tells which alert the keys have moved to. */
  onChosen(alert: Alert | undefined): void;
  /** Silences alerts by labels; undefined where that is not possible. */
  onSilence: ((labels: Labels) => void) | undefined;
}

export function AlertTable({ groups, past, openKey, onOpen, onChosen, onSilence }: AlertTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const now = useNow();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => rowsOf(groups, closed), [groups, closed]);
  const view = useVirtualRows(rows.length, (index) => ROW_PX[rows[index]?.kind ?? 'alert'], scroller);
  const stops = rows.flatMap((row, index) => (row.kind === 'alert' ? [{ index, alert: row.alert }] : []));
  const [chosen] = useRowKeys(stops.length, {
    open: (stop) => onOpen(stops[stop]?.alert.key ?? ''),
    scrollTo: (stop) => view.scrollTo(stops[stop]?.index ?? 0),
  });
  const chosenAlert = chosen === undefined ? undefined : stops[chosen]?.alert;
  useEffect(() => onChosen(chosenAlert), [chosenAlert, onChosen]);
  const silences = useQuery({ ...SILENCES_QUERY, enabled: onSilence !== undefined }).data ?? [];
  const toggle = (key: string) => {
    const next = new Set(closed);
    if (!next.delete(key)) next.add(key);
    setClosed(next);
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <section ref={scroller} className={`bw-panel ${classes.scroller}`} aria-label="Alerts" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Alert</th>
            <th scope="col" className={`${classes.extra} ${own.stripColumn}`}>
              In this time range
            </th>
            <th scope="col" data-numeric className={classes.extra}>
              Value
            </th>
            <th scope="col" data-numeric className={own.since}>
              Since
            </th>
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={COLUMNS} />
          {view.rows.map((index) => {
            const row = rows[index];
            if (row === undefined) return null;
            if (row.kind === 'group') {
              return <GroupRow key={`group ${row.group.key}`} {...row} onToggle={toggle} onSilence={onSilence} />;
            }
            return (
              <AlertRow
                key={row.alert.key}
                alert={row.alert}
                group={row.group.labels}
                past={past}
                silences={silences}
                now={now}
                open={row.alert.key === openKey}
                chosen={row.alert === chosenAlert}
                onOpen={() => onOpen(row.alert.key)}
              />
            );
          })}
          <SpacerRow height={view.after} columns={COLUMNS} />
        </tbody>
      </table>
    </section>
  );
}

function rowsOf(groups: readonly AlertGroup[], closed: ReadonlySet<string>): Row[] {
  return groups.flatMap((group) => {
    const alerts = group.alerts.map((alert): Row => ({ kind: 'alert', alert, group }));
    // Alerts that are not grouped need no head.
    if (Object.keys(group.labels).length === 0) return alerts;
    const open = !closed.has(group.key);
    const head: Row = { kind: 'group', group, open };
    return open ? [head, ...alerts] : [head];
  });
}

interface GroupRowProps {
  group: AlertGroup;
  open: boolean;
  onToggle(key: string): void;
  onSilence: ((labels: Labels) => void) | undefined;
}

function GroupRow({ group, open, onToggle, onSilence }: GroupRowProps) {
  const { firing, pending, suppressed } = countStates(group.alerts);
  const counts = [
    firing > 0 && `${formatCount(firing)} firing`,
    pending > 0 && `${formatCount(pending)} pending`,
    suppressed > 0 && `${formatCount(suppressed)} suppressed`,
  ].filter((part) => part !== false);
  const values = Object.values(group.labels);
  const [only] = values;
  return (
    <tr className={own.group} data-row>
      <th scope="rowgroup" colSpan={COLUMNS}>
        <div className={own.groupHead}>
          <UnstyledButton className={own.groupButton} aria-expanded={open} onClick={() => onToggle(group.key)}>
            <IconChevronRight size={14} className={own.chevron} aria-hidden="true" />
            {'alertname' in group.labels && values.length === 1 ? only : <LabelText labels={group.labels} />}
            <span className={own.groupNote}>{counts.join(', ')}</span>
          </UnstyledButton>
          {onSilence !== undefined && values.some((value) => value !== '') && (
            <Tooltip label="Silence the group">
              <ActionIcon
                size={22}
                aria-label={`Silence ${values.join(', ')}`}
                onClick={() => onSilence(nonEmpty(group.labels))}
              >
                <IconBellOff size={14} />
              </ActionIcon>
            </Tooltip>
          )}
        </div>
      </th>
    </tr>
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
  open: boolean;
  chosen: boolean;
  onOpen(): void;
}

function AlertRow({ alert, group, past, silences, now, open, chosen, onOpen }: AlertRowProps) {
  const { zone } = useTime();
  const labels = Object.fromEntries(
    Object.entries(alert.labels).filter(([name]) => name !== 'alertname' && group[name] === undefined),
  );
  const taken = silences.find(
    (silence) => alert.router?.status.silencedBy.includes(silence.id) === true && isAcknowledgement(silence),
  );
  const named = group.alertname === undefined ? (alert.labels.alertname ?? '') : '';
  return (
    <tr data-row data-open={open || undefined} data-chosen={chosen || undefined}>
      <td>
        <AlertBadge state={alert.state} />
      </td>
      <td className={`${classes.grow} ${own.alert}`}>
        <UnstyledButton className={own.alertButton} aria-expanded={open} onClick={onOpen}>
          <span className={own.alertName}>
            {named}
            {named === '' && (summaryOf(alert.annotations) || alert.labels.alertname)}
          </span>
          {named !== '' && <span className={own.summary}>{summaryOf(alert.annotations)}</span>}
          {taken !== undefined && <span className={`bw-tag ${own.taken}`}>{taken.comment}</span>}
        </UnstyledButton>
        <span className={`${classes.fading} ${own.labels}`}>
          <LabelChips labels={labels} />
        </span>
      </td>
      <td className={`${classes.extra} ${own.stripColumn}`}>
        {past !== undefined && <StateStrip stretches={stretchesOf(alert, past, now)} span={past.span} zone={zone} />}
      </td>
      <td
        data-numeric
        className={classes.extra}
        title={alert.value === undefined ? undefined : formatExact(alert.value)}
      >
        {alert.value === undefined ? '–' : formatTabular(alert.value, 'short')}
      </td>
      <td data-numeric className={own.since} title={formatMoment(Math.round(alert.sinceMs / 1000) * 1000, zone)}>
        {formatAgo(Math.max(0, now - alert.sinceMs))}
      </td>
    </tr>
  );
}

/** The past of an alert; one without changes in the range has been as it is since it began. */
export function stretchesOf(alert: Alert, past: Past, now: number) {
  const own = past.alerts.get(alert.pastKey);
  if (own !== undefined) return own.stretches;
  return unchanged(alert.state === 'pending' ? 'pending' : 'firing', alert.sinceMs, past.span, now);
}
