import { UnstyledButton } from '@mantine/core';
import { useRef } from 'react';
import type { StoragePart } from '../../api/storage';
import { formatCount, formatValue } from '../../format/value';
import { SortHeader, type SortState } from '../../lists/SortHeader';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { useTime } from '../../nav/time';
import { useUrlState } from '../../nav/useUrlState';
import { Panel } from '../../panel/Panel';
import { formatMomentShort } from '../../time/zone';
import { storageCodec } from '../../url/pages';
import { density } from './density';
import classes from './storage.module.css';

const ROW_PX = 28;
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
  const scroller = useRef<HTMLDivElement>(null);
  const size = SIZES[column];
  const rows = parts.toSorted((a, b) => (dir === 'up' ? size(a) - size(b) : size(b) - size(a)) || b.id - a.id);
  const view = useVirtualRows(rows.length, ROW_PX, scroller);
  const [chosen] = useRowKeys(rows.length, {
    open: (index) => {
      const row = rows[index];
      if (row !== undefined) onOpen(row.id);
    },
    scrollTo: view.scrollTo,
  });
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
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
        <section ref={scroller} className={classes.scroller} aria-label="Table of parts" tabIndex={0}>
          <table className={classes.table}>
            <thead>
              <tr>
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
              </tr>
            </thead>
            <tbody>
              <SpacerRow height={view.before} columns={COLUMNS} />
              {view.rows.map((index) => {
                const part = rows[index];
                if (part === undefined) return null;
                return (
                  <tr
                    key={part.id}
                    data-row
                    data-open={part.id === open || undefined}
                    data-chosen={index === chosen || undefined}
                  >
                    <th scope="row">
                      <UnstyledButton
                        className={classes.partButton}
                        aria-expanded={part.id === open}
                        onClick={() => onOpen(part.id)}
                      >
                        {part.id}
                      </UnstyledButton>
                    </th>
                    <td>{part.level}</td>
                    <td>{formatMomentShort(part.minTime, zone)}</td>
                    <td>{formatMomentShort(part.maxTime, zone)}</td>
                    <td>{formatCount(part.series)}</td>
                    <td>{formatCount(part.samples)}</td>
                    <td>{formatValue(part.bytes, 'bytes')}</td>
                    <td>{density(part.bytesPerSample)}</td>
                    <td>{part.deletedIntervals === 0 ? '–' : formatCount(part.deletedIntervals)}</td>
                  </tr>
                );
              })}
              <SpacerRow height={view.after} columns={COLUMNS} />
            </tbody>
          </table>
        </section>
      )}
    </Panel>
  );
}
