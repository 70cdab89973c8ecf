import { type GroupHead, ROW_PX, type RowError } from './rows';

/** Rows that stand together. */
export interface ListGroup<T> {
  key: string;
  rows: readonly T[];
  /** What stands above them, if anything. */
  head?: () => GroupHead;
}

/** What stands in a line of a list. `key` tells it from all others. */
export type Line<T> =
  | { kind: 'group'; key: string; group: string; head(): GroupHead }
  | { kind: 'row'; key: string; row: T }
  | { kind: 'error'; key: string; error: RowError };

/** Groups as the lines that show them: a head, and unless it is folded each row with what made it fail. */
export function linesOf<T>(
  groups: readonly ListGroup<T>[],
  folded: ReadonlySet<string>,
  keyOf: (row: T, place: number) => string,
  errorOf?: (row: T) => RowError | undefined,
): Line<T>[] {
  return groups.flatMap(({ key: group, head, rows }) => {
    const lines: Line<T>[] = head === undefined ? [] : [{ kind: 'group', key: `group ${group}`, group, head }];
    if (folded.has(group)) return lines;
    rows.forEach((row, place) => {
      const key = `${group} ${keyOf(row, place)}`;
      lines.push({ kind: 'row', key, row });
      const error = errorOf?.(row);
      if (error !== undefined) lines.push({ kind: 'error', key: `${key} error`, error });
    });
    return lines;
  });
}

/** The height of a line in px; rows have one or two lines of text. */
export function heightOf<T>(line: Line<T> | undefined, tall: boolean): number {
  if (line === undefined) return 0;
  if (line.kind === 'row') return tall ? ROW_PX.two : ROW_PX.one;
  return ROW_PX[line.kind];
}
