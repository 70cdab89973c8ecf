import { type ReactNode, useMemo, useRef } from 'react';
import { useKeys } from '../nav/keys';
import { SpacerRow } from './SpacerRow';
import classes from './table.module.css';
import { useRowKeys } from './useRowKeys';
import { useVirtualRows } from './useVirtualRows';

interface ListTableProps<T> {
  /** Names the list. */
  label: string;
  /** The `<th>` of the columns. Those with `data-extra` are given up where there is no room, as are their cells. */
  head: ReactNode;
  /** How many columns that makes. */
  columns: number;
  rows: readonly T[];
  /** The height of a row in px. */
  rowPx: number | ((row: T) => number);
  /** Whether the keys stop at a row; they do at all of them if this is missing. */
  stops?: (row: T) => boolean;
  onOpen(row: T): void;
  /** What other keys do with the row that is chosen. */
  keys?: Readonly<Record<string, (row: T) => void>>;
  /** It lies in a panel, which has the frame already. */
  inside?: boolean;
  /** One of `Row`, `GroupRow` and `ErrorRow` with its key. */
  children(row: T, chosen: boolean, index: number): ReactNode;
}

/** A list of any length as a table: `j`, `k` and Enter move through it, and only what is in view is in the page. */
export function ListTable<T>(props: ListTableProps<T>) {
  const { label, head, columns, rows, rowPx, stops, onOpen, keys = {}, inside = false, children } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const heightAt = (index: number) => {
    if (typeof rowPx === 'number') return rowPx;
    const row = rows[index];
    return row === undefined ? 0 : rowPx(row);
  };
  const view = useVirtualRows(rows.length, heightAt, scroller);
  const places = useMemo(
    () => rows.flatMap((row, index) => (stops === undefined || stops(row) ? [index] : [])),
    [rows, stops],
  );
  const rowAt = (stop: number | undefined) => (stop === undefined ? undefined : rows[places[stop] ?? -1]);
  const [stop] = useRowKeys(places.length, {
    open: (at) => {
      const row = rowAt(at);
      if (row !== undefined) onOpen(row);
    },
    scrollTo: (at) => view.scrollTo(places[at] ?? 0),
  });
  const chosen = rowAt(stop);
  const own = chosen === undefined ? [] : Object.entries(keys).map(([key, act]) => [key, () => act(chosen)] as const);
  useKeys(Object.fromEntries(own));
  const frame = inside ? classes.inside : 'bw-panel';
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <section ref={scroller} className={`${classes.scroller} ${frame}`} aria-label={label} tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={columns} />
          {view.rows.map((index) => {
            const row = rows[index];
            return row === undefined ? null : children(row, row === chosen, index);
          })}
          <SpacerRow height={view.after} columns={columns} />
        </tbody>
      </table>
    </section>
  );
}
