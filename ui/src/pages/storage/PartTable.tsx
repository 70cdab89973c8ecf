import type { StoragePart } from '../../api/storage';
import { formatCount, formatValue } from '../../format/value';
import { ListTable } from '../../lists/ListTable';
import { OpenButton, ROW_PX, Row } from '../../lists/rows';
import { SortHeader, type SortState } from '../../lists/SortHeader';
import { useTime } from '../../nav/time';
import { useUrlState } from '../../nav/useUrlState';
import { Panel } from '../../panel/Panel';
import { formatMomentShort } from '../../time/zone';
import { storageCodec } from '../../url/pages';
import { density } from './density';

const COLUMNS = 9;

type Column = 'from' | 'level' | 'series' | 'samples' | 'bytes' | 'density';

const SIZES: Record<Column, (part: StoragePart) => number> = {
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
  const sort: SortState<Column> = { column, descending: dir === 'down' };
  const onSort = (next: SortState<Column> | undefined) =>
    set({ sort: next?.column ?? 'from', dir: next === undefined || next.descending ? 'down' : 'up' });
  const head = (name: Column, label: string) => (
    <SortHeader column={name} label={label} sort={sort} onSort={onSort} numeric />
  );
  return (
    <Panel title="Parts" note={formatCount(parts.length)} flush>
      {parts.length === 0 ? (
        <p className="bw-note">None yet: every two hours, samples move from memory into a part.</p>
      ) : (
        <ListTable
          label="Table of parts"
          inside
          columns={COLUMNS}
          head={
            <>
              <th scope="col">Part</th>
              {head('level', 'Level')}
              {head('from', 'From')}
              <th scope="col" data-numeric>
                To
              </th>
              {head('series', 'Series')}
              {head('samples', 'Samples')}
              {head('bytes', 'Size')}
              {head('density', 'Bytes per sample')}
              <th scope="col" data-numeric>
                Deleted
              </th>
            </>
          }
          rows={rows}
          rowPx={ROW_PX.one}
          onOpen={({ id }) => onOpen(id)}
        >
          {(part, chosen) => (
            <Row key={part.id} open={part.id === open} chosen={chosen}>
              <th scope="row">
                <OpenButton open={part.id === open} onOpen={() => onOpen(part.id)}>
                  {part.id}
                </OpenButton>
              </th>
              <td data-numeric>{part.level}</td>
              <td data-numeric>{formatMomentShort(part.minTime, zone)}</td>
              <td data-numeric>{formatMomentShort(part.maxTime, zone)}</td>
              <td data-numeric>{formatCount(part.series)}</td>
              <td data-numeric>{formatCount(part.samples)}</td>
              <td data-numeric>{formatValue(part.bytes, 'bytes')}</td>
              <td data-numeric>{density(part.bytesPerSample)}</td>
              <td data-numeric>{part.deletedIntervals === 0 ? '–' : formatCount(part.deletedIntervals)}</td>
            </Row>
          )}
        </ListTable>
      )}
    </Panel>
  );
}
