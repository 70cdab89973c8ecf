import { UnstyledButton } from '@mantine/core';
import { type KeyboardEvent, useMemo } from 'react';
import { ALERT_STATES, type Alert, type AlertState } from '../../alerting/alerts';
import { type MatrixHead, makeMatrix, totalOf } from '../../alerting/matrix';
import { formatCount, plural } from '../../format/value';
import type { Labels } from '../../labels/labels';
import { AlertIcon } from '../../states/AlertBadge';
import classes from './matrix.module.css';

/** So many values of each label are shown. */
const MOST = { rows: 50, columns: 20 };

interface AlertMatrixProps {
  alerts: readonly Alert[];
  /** The labels that are counted by. */
  labels: { rows: string; columns: string };
  /** Shows the alerts with these labels only. */
  onNarrow(labels: Labels): void;
}

/** How many alerts have each pair of values of two labels; each number leads to its alerts. */
export function AlertMatrix({ alerts, labels, onNarrow }: AlertMatrixProps) {
  const matrix = useMemo(() => makeMatrix(alerts, labels, MOST), [alerts, labels]);
  const left = [
    matrix.moreRows > 0 && `${plural(matrix.moreRows, 'more value')} of ${labels.rows}`,
    matrix.moreColumns > 0 && `${plural(matrix.moreColumns, 'more value')} of ${labels.columns}`,
  ].filter((part) => part !== false);
  const button = (counts: MatrixHead['counts'], own: Labels, text: string) => (
    <CountButton counts={counts} labels={own} text={text} onNarrow={onNarrow} />
  );
  return (
    <>
      {left.length > 0 && (
        <p className="bw-note" role="note">
          Not shown are {left.join(' and ')}, of which less fires. Filter to see them.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard */}
      <section className={`bw-panel ${classes.scroller}`} aria-label="Matrix of alerts" tabIndex={0}>
        <table className={classes.matrix} onKeyDown={moveFocus}>
          <thead>
            <tr>
              <th scope="col">
                {labels.rows} <span className="bw-dim">by {labels.columns}</span>
              </th>
              {matrix.columns.map(({ value, counts }) => (
                <th key={value} scope="col">
                  {button(counts, { [labels.columns]: value }, nameOf(value))}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {matrix.rows.map((row) => (
              <tr key={row.value}>
                <th scope="row">{button(row.counts, { [labels.rows]: row.value }, nameOf(row.value))}</th>
                {matrix.columns.map(({ value }) => {
                  const counts = matrix.cell(row.value, value);
                  const own = { [labels.rows]: row.value, [labels.columns]: value };
                  return (
                    <td key={value} data-worst={counts && worstOf(counts)}>
                      {counts && button(counts, own, '')}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

/** A label that is missing has the empty value. */
const nameOf = (value: string) => (value === '' ? '(none)' : value);

const worstOf = (counts: MatrixHead['counts']) => ALERT_STATES.find((state) => counts[state] > 0) ?? 'suppressed';

/** `2 firing, 1 pending` */
function countsText(counts: MatrixHead['counts']): string {
  const parts = ALERT_STATES.map((state: AlertState) => counts[state] > 0 && `${formatCount(counts[state])} ${state}`);
  return parts.filter((part) => part !== false).join(', ');
}

interface CountButtonProps {
  counts: MatrixHead['counts'];
  labels: Labels;
  /** What stands before the number; the sign of the worst state if it is empty. */
  text: string;
  onNarrow(labels: Labels): void;
}

function CountButton({ counts, labels, text, onNarrow }: CountButtonProps) {
  const about = Object.entries(labels).map(([name, value]) => `${name} ${nameOf(value)}`);
  return (
    <UnstyledButton
      className={classes.count}
      aria-label={`${about.join(', ')}: ${countsText(counts)}`}
      title={countsText(counts)}
      onClick={() => onNarrow(labels)}
    >
      {text === '' ? <AlertIcon state={worstOf(counts)} /> : <span className={classes.value}>{text}</span>}
      <span className={text === '' ? undefined : 'bw-dim'}>{formatCount(totalOf(counts))}</span>
    </UnstyledButton>
  );
}

const STEPS: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** Arrow keys lead to the next number in their direction; empty cells are passed over. */
function moveFocus(event: KeyboardEvent<HTMLTableElement>): void {
  const step = STEPS[event.key];
  const cell = (event.target as Element).closest('th, td');
  if (step === undefined || !(cell instanceof HTMLTableCellElement)) return;
  event.preventDefault();
  const [down, right] = step;
  const lines = [...event.currentTarget.rows];
  let row = lines.findIndex((line) => line.contains(cell)) + down;
  let column = cell.cellIndex + right;
  for (let next = lines[row]?.cells[column]; next !== undefined; next = lines[row]?.cells[column]) {
    const button = next.querySelector('button');
    if (button !== null) {
      button.focus();
      return;
    }
    row += down;
    column += right;
  }
}
