import type { ReactNode } from 'react';
import { SortHeader, type SortState } from './SortHeader';
import classes from './table.module.css';

/** What a cell has to know to open its row: the properties of an `OpenButton`. */
export interface Opening {
  /** The details of the row are beside the list. */
  open: boolean;
  onOpen(): void;
}

/** A column of a list: its head and its cells. `S` are the names by which the list can be sorted. */
export interface Column<T, S extends string = never> {
  head: ReactNode;
  cell(row: T, opening: Opening): ReactNode;
  /** It says what a row is about, and takes the width that the others leave. */
  main?: boolean;
  /** It holds figures or times. */
  numeric?: boolean;
  /** It is given up where there is no room. */
  extra?: boolean;
  /** Its head sorts the list by this. */
  sortBy?: S;
  /** The class of its head, and of its cells if it is not `main`. */
  className?: string | undefined;
  /** Said where the pointer rests on a cell. */
  title?(row: T): string | undefined;
  /** Whether what a cell says asks for attention. */
  warns?(row: T): boolean;
}

/** By what a list is sorted, and how that is changed. */
export interface Sorting<S extends string> {
  sort: SortState<S> | undefined;
  onSort(sort: SortState<S> | undefined): void;
}

interface HeadCellProps<T, S extends string> {
  column: Column<T, S>;
  sorting: Sorting<S> | undefined;
}

export function HeadCell<T, S extends string>({ column, sorting }: HeadCellProps<T, S>) {
  const { head, sortBy, numeric = false, extra = false, className } = column;
  if (sortBy !== undefined && sorting !== undefined) {
    return <SortHeader column={sortBy} label={head} {...sorting} numeric={numeric} extra={extra} />;
  }
  return (
    <th scope="col" className={className} data-numeric={numeric || undefined} data-extra={extra || undefined}>
      {head}
    </th>
  );
}

interface CellProps<T, S extends string> {
  column: Column<T, S>;
  row: T;
  opening: Opening;
}

export function Cell<T, S extends string>({ column, row, opening }: CellProps<T, S>) {
  const { main, numeric, extra, className } = column;
  return (
    <td
      className={main ? classes.main : className}
      data-numeric={numeric || undefined}
      data-extra={extra || undefined}
      data-warns={column.warns?.(row) || undefined}
      title={column.title?.(row)}
    >
      {column.cell(row, opening)}
    </td>
  );
}
