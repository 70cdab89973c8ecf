import { useMemo, useRef, useState } from 'react';
import { useKeys } from '../nav/keys';
import { Cell, type Column, HeadCell, type Sorting } from './columns';
import { heightOf, type Line, type ListGroup, linesOf } from './lines';
import { ErrorRow, GroupRow, Row, type RowError } from './rows';
import { SpacerRow } from './SpacerRow';
import classes from './table.module.css';
import { toggled } from './toggled';
import { useRowKeys } from './useRowKeys';
import { useVirtualRows } from './useVirtualRows';

interface ListTableProps<T, S extends string> {
  /** Names the list. */
  label: string;
  columns: readonly Column<T, S>[];
  /** All rows, unless they are in groups. */
  rows?: readonly T[];
  groups?: readonly ListGroup<T>[];
  /** Tells a row from the others of its group. Like `errorOf`, better not made anew for each drawing. */
  keyOf(row: T, place: number): string;
  /** Why a row failed, which is told below it. */
  errorOf?: (row: T) => RowError | undefined;
  /** Rows have two lines of text. */
  tall?: boolean;
  /** Groups can be folded. */
  folds?: boolean;
  /** Whether the details of a row are beside the list. */
  isOpen?: (row: T) => boolean;
  onOpen(row: T): void;
  /** What other keys do with the row that is chosen. */
  keys?: Readonly<Record<string, (row: T) => void>>;
  sorting?: Sorting<S>;
  /** It lies in a panel, which has the frame already. */
  inside?: boolean;
}

const NONE: readonly never[] = [];

/** A list of any length as a table: `j`, `k` and Enter move through it, and only what is in view is in the page. */
export function ListTable<T, S extends string = never>(props: ListTableProps<T, S>) {
  const { label, columns, rows = NONE, groups, keyOf, errorOf, tall = false, isOpen, onOpen } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const lines = useMemo(
    () => linesOf(groups ?? [{ key: '', rows }], folded, keyOf, errorOf),
    [groups, rows, folded, keyOf, errorOf],
  );
  const view = useVirtualRows(lines.length, (index) => heightOf(lines[index], tall), scroller);
  const chosen = useChosen(lines, view.scrollTo, props);
  const drawn = (line: Line<T>) => {
    if (line.kind === 'error') return <ErrorRow key={line.key} columns={columns.length} {...line.error} />;
    if (line.kind === 'row') {
      const opening = { open: isOpen?.(line.row) === true, onOpen: () => onOpen(line.row) };
      return (
        <Row key={line.key} open={opening.open} chosen={line === chosen} tall={tall}>
          {columns.map((column, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a column keeps its place
            <Cell key={place} column={column} row={line.row} opening={opening} />
          ))}
        </Row>
      );
    }
    const fold = props.folds && {
      open: !folded.has(line.group),
      onToggle: () => setFolded(toggled(folded, line.group)),
    };
    return <GroupRow key={line.key} columns={columns.length} {...line.head()} {...fold} />;
  };
  return (
    <section
      ref={scroller}
      className={`${classes.scroller} ${props.inside ? classes.inside : 'bw-panel'}`}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
      tabIndex={0}
    >
      <table className={classes.table}>
        <thead>
          <tr>
            {columns.map((column, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <HeadCell key={place} column={column} sorting={props.sorting} />
            ))}
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={columns.length} />
          {view.rows.map((index) => {
            const line = lines[index];
            return line === undefined ? null : drawn(line);
          })}
          <SpacerRow height={view.after} columns={columns.length} />
        </tbody>
      </table>
    </section>
  );
}

/** Moves through the rows by keys. Returns the line of the row that is chosen. */
function useChosen<T, S extends string>(
  lines: readonly Line<T>[],
  scrollTo: (index: number) => void,
  { onOpen, keys = {} }: ListTableProps<T, S>,
) {
  /** Where the keys stop. */
  const stops = useMemo(() => lines.flatMap(({ kind }, index) => (kind === 'row' ? [index] : [])), [lines]);
  const lineAt = (stop = -1) => {
    const line = lines[stops[stop] ?? -1];
    return line?.kind === 'row' ? line : undefined;
  };
  const [stop] = useRowKeys(stops.length, {
    open: (at) => {
      const line = lineAt(at);
      if (line !== undefined) onOpen(line.row);
    },
    scrollTo: (at) => scrollTo(stops[at] ?? 0),
  });
  const chosen = lineAt(stop);
  const own =
    chosen === undefined ? [] : Object.entries(keys).map(([key, act]) => [key, () => act(chosen.row)] as const);
  useKeys(Object.fromEntries(own));
  return chosen;
}
