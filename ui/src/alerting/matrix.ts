import { type Alert, type AlertState, countStates, grouped } from './alerts';

/** A value of a label, with how many alerts have it. */
export interface MatrixHead {
  value: string;
  counts: Counts;
}

type Counts = Record<AlertState, number>;

/** Alerts counted by the values of two labels. */
export interface Matrix {
  rows: MatrixHead[];
  columns: MatrixHead[];
  /** How many alerts have both values; undefined if there is none. */
  cell(row: string, column: string): Counts | undefined;
  /** How many values are left out because others have more that fires. */
  moreRows: number;
  moreColumns: number;
}

/** Counts alerts by the values of two labels; the values of which most fires come first, up to so many of each. */
export function makeMatrix(
  alerts: readonly Alert[],
  labels: { rows: string; columns: string },
  most: { rows: number; columns: number },
): Matrix {
  const rows = headsOf(alerts, labels.rows);
  const columns = headsOf(alerts, labels.columns);
  const cells = grouped(alerts, (alert) => keyOf(labelOf(alert, labels.rows), labelOf(alert, labels.columns)));
  return {
    rows: rows.slice(0, most.rows),
    columns: columns.slice(0, most.columns),
    moreRows: Math.max(0, rows.length - most.rows),
    moreColumns: Math.max(0, columns.length - most.columns),
    cell: (row, column) => {
      const own = cells.get(keyOf(row, column));
      return own && countStates(own);
    },
  };
}

const keyOf = (row: string, column: string) => JSON.stringify([row, column]);

/** A label that is missing counts as empty, as in matchers. */
const labelOf = ({ labels }: Alert, name: string) => labels[name] ?? '';

function headsOf(alerts: readonly Alert[], label: string): MatrixHead[] {
  return [...grouped(alerts, (alert) => labelOf(alert, label))]
    .map(([value, own]) => ({ value, counts: countStates(own) }))
    .sort(
      (a, b) =>
        b.counts.firing - a.counts.firing || totalOf(b.counts) - totalOf(a.counts) || (a.value < b.value ? -1 : 1),
    );
}

export const totalOf = ({ firing, pending, suppressed }: Counts) => firing + pending + suppressed;

/**
 * The labels of a matrix: those that were chosen, else the name of the alert by its severity, or by the label that most
 * alerts have.
 */
export function matrixLabels(names: readonly string[], chosen: { rows: string; columns: string }) {
  const rows = chosen.rows || 'alertname';
  const others = names.filter((name) => name !== rows);
  const columns = chosen.columns || (others.includes('severity') ? 'severity' : (others[0] ?? 'severity'));
  return { rows, columns };
}
