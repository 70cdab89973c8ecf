import type { StoragePart } from '../../api/storage';
import { formatCount, formatValue } from '../../format/value';
import type { Column } from '../../lists/columns';
import { ListTable } from '../../lists/ListTable';
import { OpenButton } from '../../lists/rows';
import type { SortState } from '../../lists/SortHeader';
import { useTime } from '../../nav/time';
import { useUrlState } from '../../nav/useUrlState';
import { Panel } from '../../panel/Panel';
import { formatMomentShort } from '../../time/zone';
import { storageCodec } from '../../url/pages';
import { density } from './density';

type Sort = 'from' | 'level' | 'series' | 'samples' | 'bytes' | 'density';

const SIZES: Record<Sort, (part: StoragePart) => number> = {
  from: ({ minTime }) => minTime,
  level: ({ level }) => level,
  series: ({ series }) => series,
  samples: ({ samples }) => samples,
  bytes: ({ bytes }) => bytes,
  density: ({ bytesPerSample }) => bytesPerSample,
};

interface PartTableProps {
  parts: readonly StoragePart[];
  open: number | undefined;
  onOpen(id: number): void;
}

/** The parts in figures, the newest first unless asked otherwise. */
export function PartTable({ parts, open, onOpen }: PartTableProps) {
  const { zone } = useTime();
  const [{ sort: column, dir }, set] = useUrlState(storageCodec);
  const size = SIZES[column];
  const rows = parts.toSorted((a, b) => (dir === 'up' ? size(a) - size(b) : size(b) - size(a)) || b.id - a.id);
  const sort: SortState<Sort> = { column, descending: dir === 'down' };
  const onSort = (next: SortState<Sort> | undefined) =>
    set({ sort: next?.column ?? 'from', dir: next === undefined || next.descending ? 'down' : 'up' });
  const columns: Column<StoragePart, Sort>[] = [
    {
      head: 'Part',
      cell: ({ id }, opening) => <OpenButton {...opening}>{id}</OpenButton>,
    },
    { head: 'Level', sortBy: 'level', numeric: true, cell: ({ level }) => level },
    { head: 'From', sortBy: 'from', numeric: true, cell: ({ minTime }) => formatMomentShort(minTime, zone) },
    { head: 'To', numeric: true, cell: ({ maxTime }) => formatMomentShort(maxTime, zone) },
    { head: 'Series', sortBy: 'series', numeric: true, cell: ({ series }) => formatCount(series) },
    { head: 'Samples', sortBy: 'samples', numeric: true, cell: ({ samples }) => formatCount(samples) },
    { head: 'Size', sortBy: 'bytes', numeric: true, cell: ({ bytes }) => formatValue(bytes, 'bytes') },
    {
      head: 'Bytes per sample',
      sortBy: 'density',
      numeric: true,
      cell: ({ bytesPerSample }) => density(bytesPerSample),
    },
    {
      head: 'Deleted',
      numeric: true,
      cell: ({ deletedIntervals: count }) => (count === 0 ? '–' : formatCount(count)),
    },
  ];
  return (
    <Panel title="Parts" note={formatCount(parts.length)} flush>
      {parts.length === 0 ? (
        <p className="bw-note">None yet: every two hours, samples move from memory into a part.</p>
      ) : (
        <ListTable
          label="Table of parts"
          inside
          columns={columns}
          rows={rows}
          keyOf={keyOf}
          sorting={{ sort, onSort }}
          isOpen={({ id }) => id === open}
          onOpen={({ id }) => onOpen(id)}
        />
      )}
    </Panel>
  );
}

const keyOf = ({ id }: StoragePart) => String(id);
