import { Button, UnstyledButton } from '@mantine/core';
import { IconBellPlus, IconFilterOff, IconVolume } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import classes from '../../alerting/alerting.module.css';
import type { Silence, SilenceState } from '../../api/alerting';
import { ROUTER_ALERTS_QUERY } from '../../api/queries';
import { formatCount, plural } from '../../format/value';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { useKeys } from '../../nav/keys';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { EmptyState } from '../../states/EmptyState';
import { formatAgo } from '../../time/duration';
import { formatMomentShort } from '../../time/zone';
import { titleOf } from './silences';
import own from './silences.module.css';

const COLUMNS = 5;
const ROW_PX = 48;
const REFRESH_MS = 5000;
/** A silence that ends so soon is marked. */
const SOON_MS = 15 * 60_000;

interface SilenceTableProps {
  silences: readonly Silence[];
  state: SilenceState;
  /** How many of the state the filter hides. */
  hidden: number;
  openId: string;
  selected: ReadonlySet<string>;
  onSelect(ids: ReadonlySet<string>): void;
  onOpen(id: string): void;
  onClear(): void;
  onWrite(): void;
}

/** The silences of a state; some can be selected to be ended together. */
export function SilenceTable(props: SilenceTableProps) {
  const { silences, state, hidden, openId, selected, onSelect, onOpen, onClear, onWrite } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const now = useNow();
  const { zone } = useTime();
  const view = useVirtualRows(silences.length, ROW_PX, scroller);
  const [chosen] = useRowKeys(silences.length, {
    open: (index) => onOpen(silences[index]?.id ?? ''),
    scrollTo: view.scrollTo,
  });
  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  const chosenId = chosen === undefined ? undefined : silences[chosen]?.id;
  const selectable = state !== 'expired';
  useKeys({ ...(selectable && chosenId !== undefined && { x: () => toggle(chosenId) }) });
  const alerts = useQuery({ ...ROUTER_ALERTS_QUERY, refetchInterval: REFRESH_MS }).data;
  const counts = useMemo(() => {
    const found = new Map<string, number>();
    for (const id of (alerts ?? []).flatMap(({ status }) => status.silencedBy)) found.set(id, (found.get(id) ?? 0) + 1);
    return found;
  }, [alerts]);

  if (silences.length === 0) {
    if (hidden > 0) {
      return (
        <EmptyState
          icon={IconFilterOff}
          title="No silence passes the filter"
          action={<Button onClick={onClear}>Clear the filter</Button>}
        >
          {plural(hidden, 'silence')} of this state are hidden by it.
        </EmptyState>
      );
    }
    return (
      <EmptyState
        icon={state === 'active' ? IconVolume : IconBellPlus}
        title={
          state === 'active' ? 'Nothing is silenced' : state === 'pending' ? 'None is to come' : 'None has ended yet'
        }
        action={<Button onClick={onWrite}>New silence</Button>}
      >
        {state === 'expired'
          ? 'Silences that ended stay here for some days, to be made again.'
          : 'Everybody is told about every alert, as the routes say.'}
      </EmptyState>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <section ref={scroller} className={`bw-panel ${classes.scroller}`} aria-label="Silences" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col" className={own.selectColumn}>
              <span className="bw-sr">Selected</span>
              {selectable && (
                <input
                  type="checkbox"
                  aria-label="Select all"
                  checked={silences.every(({ id }) => selected.has(id))}
                  onChange={({ currentTarget }) =>
                    onSelect(new Set(currentTarget.checked ? silences.map(({ id }) => id) : []))
                  }
                />
              )}
            </th>
            <th scope="col">Alerts with</th>
            <th scope="col" className={classes.extra}>
              By
            </th>
            <th scope="col" data-numeric className={classes.extra}>
              Alerts now
            </th>
            <th scope="col" data-numeric>
              {state === 'pending' ? 'Begins' : state === 'active' ? 'Ends' : 'Ended'}
            </th>
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={COLUMNS} />
          {view.rows.map((index) => {
            const silence = silences[index];
            if (silence === undefined) return null;
            const moment = Date.parse(state === 'pending' ? silence.startsAt : silence.endsAt);
            const title = titleOf(silence);
            return (
              <tr
                key={silence.id}
                data-row
                data-open={silence.id === openId || undefined}
                data-chosen={index === chosen || undefined}
              >
                <td className={own.selectColumn}>
                  {selectable && (
                    <input
                      type="checkbox"
                      aria-label={`Select ${title}`}
                      checked={selected.has(silence.id)}
                      onChange={() => toggle(silence.id)}
                    />
                  )}
                </td>
                <td className={`${classes.grow} ${own.silence}`}>
                  <UnstyledButton
                    className={`${classes.open} ${own.title}`}
                    aria-expanded={silence.id === openId}
                    title={title}
                    onClick={() => onOpen(silence.id)}
                  >
                    {title}
                  </UnstyledButton>
                  <div className={classes.under}>{silence.comment}</div>
                </td>
                <td className={classes.extra}>{silence.createdBy}</td>
                <td data-numeric className={classes.extra}>
                  {alerts === undefined || state !== 'active' ? '–' : formatCount(counts.get(silence.id) ?? 0)}
                </td>
                <td
                  data-numeric
                  data-soon={(state === 'active' && moment - now < SOON_MS) || undefined}
                  className={own.moment}
                  title={formatMomentShort(Math.round(moment / 1000) * 1000, zone)}
                >
                  {formatAgo(state === 'expired' ? Math.max(0, now - moment) : Math.min(0, now - moment))}
                </td>
              </tr>
            );
          })}
          <SpacerRow height={view.after} columns={COLUMNS} />
        </tbody>
      </table>
    </section>
  );
}
