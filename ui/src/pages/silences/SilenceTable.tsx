import { Button } from '@mantine/core';
import { IconBellPlus, IconRepeat, IconVolume } from '@tabler/icons-react';
import type { Silence, SilenceState } from '../../api/alerting';
import { formatCount } from '../../format/value';
import type { Column } from '../../lists/columns';
import { FilteredOut } from '../../lists/FilteredOut';
import { ListTable } from '../../lists/ListTable';
import { OpenButton, Under } from '../../lists/rows';
import { toggled } from '../../lists/toggled';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { EmptyState } from '../../states/EmptyState';
import { formatSince, formatUntil } from '../../time/duration';
import { formatMomentShort } from '../../time/zone';
import { isIdle, titleOf } from './silences';
import own from './silences.module.css';

/** A silence that ends so soon is marked. */
const SOON_MS = 15 * 60_000;

const EMPTY: Readonly<Record<SilenceState, string>> = {
  active: 'Nothing is silenced',
  pending: 'None is to come',
  expired: 'None has ended yet',
};

/** What the last column tells of each. */
const MOMENTS: Readonly<Record<SilenceState, string>> = { active: 'Ends', pending: 'Begins', expired: 'Ended' };

interface SilenceTableProps {
  silences: readonly Silence[];
  /** How many alerts each keeps quiet now. */
  counts: ReadonlyMap<string, number> | undefined;
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
  const { silences, counts, state, hidden, openId, selected, onSelect, onOpen, onClear, onWrite } = props;
  const now = useNow();
  const { zone } = useTime();
  const toggle = ({ id }: Silence) => onSelect(toggled(selected, id));
  const selectable = state !== 'expired';

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
  const momentOf = ({ startsAt, endsAt }: Silence) => Date.parse(state === 'pending' ? startsAt : endsAt);
  const columns: Column<Silence>[] = [
    {
      head: (
        <>
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
        </>
      ),
      className: own.selectColumn,
      cell: (silence) =>
        selectable && (
          <input
            type="checkbox"
            aria-label={`Select ${titleOf(silence)}`}
            checked={selected.has(silence.id)}
            onChange={() => toggle(silence)}
          />
        ),
    },
    {
      head: 'Alerts with',
      main: true,
      cell: (silence, opening) => (
        <>
          <OpenButton {...opening} title={titleOf(silence)} mono>
            {titleOf(silence)}
          </OpenButton>
          <Under title={silence.comment}>
            <Why silence={silence} />
          </Under>
        </>
      ),
    },
    { head: 'By', extra: true, cell: ({ createdBy }) => createdBy },
    {
      head: 'Alerts now',
      extra: true,
      numeric: true,
      cell: ({ id }) => (counts === undefined || state !== 'active' ? '–' : formatCount(counts.get(id) ?? 0)),
      warns: (silence) => isIdle(silence, counts),
    },
    {
      head: MOMENTS[state],
      numeric: true,
      cell: (silence) => (state === 'expired' ? formatSince : formatUntil)(momentOf(silence), now),
      warns: (silence) => state === 'active' && momentOf(silence) - now < SOON_MS,
      title: (silence) => formatMomentShort(Math.round(momentOf(silence) / 1000) * 1000, zone),
    },
  ];
  return (
    <ListTable
      label="Silences"
      columns={columns}
      rows={silences}
      keyOf={idOf}
      tall
      isOpen={({ id }) => id === openId}
      onOpen={({ id }) => onOpen(id)}
      keys={selectable ? { x: toggle } : {}}
    />
  );
}

const idOf = ({ id }: Silence) => id;

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
