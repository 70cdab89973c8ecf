import { Button } from '@mantine/core';
import { IconBellPlus, IconRepeat, IconVolume } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Silence, SilenceState } from '../../api/alerting';
import { ROUTER_ALERTS_QUERY } from '../../api/queries';
import { formatCount } from '../../format/value';
import { FilteredOut } from '../../lists/FilteredOut';
import { ListTable } from '../../lists/ListTable';
import { MainCell, OpenButton, ROW_PX, Row } from '../../lists/rows';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { EmptyState } from '../../states/EmptyState';
import { formatAgo } from '../../time/duration';
import { formatMomentShort } from '../../time/zone';
import { titleOf } from './silences';
import own from './silences.module.css';

const COLUMNS = 5;
const REFRESH_MS = 5000;
/** A silence that ends so soon is marked. */
const SOON_MS = 15 * 60_000;

const EMPTY: Readonly<Record<SilenceState, string>> = {
  active: 'Nothing is silenced',
  pending: 'None is to come',
  expired: 'None has ended yet',
};

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
  const now = useNow();
  const { zone } = useTime();
  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  const selectable = state !== 'expired';
  const alerts = useQuery({ ...ROUTER_ALERTS_QUERY, refetchInterval: REFRESH_MS }).data;
  const counts = useMemo(() => {
    const found = new Map<string, number>();
    for (const id of (alerts ?? []).flatMap(({ status }) => status.silencedBy)) found.set(id, (found.get(id) ?? 0) + 1);
    return found;
  }, [alerts]);

  if (silences.length === 0) {
    if (hidden > 0) return <FilteredOut what={`${state} silence`} total={hidden} onClear={onClear} />;
    return (
      <EmptyState
        icon={state === 'active' ? IconVolume : IconBellPlus}
        title={EMPTY[state]}
        action={<Button onClick={onWrite}>New silence</Button>}
      >
        {state === 'expired'
          ? 'Silences that ended stay here for some days, to be made again.'
          : 'Everybody is told about every alert, as the routes say.'}
      </EmptyState>
    );
  }
  return (
    <ListTable
      label="Silences"
      columns={COLUMNS}
      head={
        <>
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
          <th scope="col" data-extra>
            By
          </th>
          <th scope="col" data-extra data-numeric>
            Alerts now
          </th>
          <th scope="col" data-numeric>
            {state === 'pending' ? 'Begins' : state === 'active' ? 'Ends' : 'Ended'}
          </th>
        </>
      }
      rows={silences}
      rowPx={ROW_PX.two}
      onOpen={({ id }) => onOpen(id)}
      keys={selectable ? { x: ({ id }) => toggle(id) } : {}}
    >
      {(silence, chosen) => {
        const moment = Date.parse(state === 'pending' ? silence.startsAt : silence.endsAt);
        const title = titleOf(silence);
        return (
          <Row key={silence.id} open={silence.id === openId} chosen={chosen} tall>
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
            <MainCell under={<Why silence={silence} />} underTitle={silence.comment}>
              <OpenButton open={silence.id === openId} title={title} mono onOpen={() => onOpen(silence.id)}>
                {title}
              </OpenButton>
            </MainCell>
            <td data-extra>{silence.createdBy}</td>
            <td data-extra data-numeric>
              {alerts === undefined || state !== 'active' ? '–' : formatCount(counts.get(silence.id) ?? 0)}
            </td>
            <td
              data-numeric
              data-slow={(state === 'active' && moment - now < SOON_MS) || undefined}
              title={formatMomentShort(Math.round(moment / 1000) * 1000, zone)}
            >
              {formatAgo(state === 'expired' ? Math.max(0, now - moment) : Math.min(0, now - moment))}
            </td>
          </Row>
        );
      }}
    </ListTable>
  );
}

/** Why it is, and whether it holds at certain times only. */
function Why({ silence: { comment, recurs } }: { silence: Silence }) {
  return (
    <>
      {recurs !== undefined && (
        <span className="bw-tag">
          <IconRepeat size={11} aria-hidden="true" /> recurs
        </span>
      )}
      {comment}
    </>
  );
}
