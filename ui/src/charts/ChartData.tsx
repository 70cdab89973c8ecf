import { useRef } from 'react';
import { formatExact } from '../format/value';
import { SpacerRow } from '../lists/SpacerRow';
import { useVirtualRows } from '../lists/useVirtualRows';
import { formatMoment, type Zone } from '../time/zone';
import type { Grid } from './align';
import classes from './charts.module.css';
import type { Line } from './line';

/** Columns shown beside each other; a wider table helps nobody. */
const MOST_COLUMNS = 20;
const ROW_PX = 26;

/** A chart as a table: one row per moment, one column per line, exact values. */
export function ChartData({ lines, grid, zone }: { lines: readonly Line[]; grid: Grid; zone: Zone }) {
  const scroller = useRef<HTMLDivElement>(null);
  const view = useVirtualRows(grid.times.length, ROW_PX, scroller);
  const shown = lines.slice(0, MOST_COLUMNS);
  return (
    <>
      {lines.length > MOST_COLUMNS && (
        <p className="bw-note">
          The first {MOST_COLUMNS} of {lines.length} lines. Hide lines in the legend to see others.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard */}
      <section ref={scroller} className={classes.data} aria-label="Values of the chart" tabIndex={0}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {shown.map((line) => (
                <th key={line.key} scope="col" className={classes.number} title={line.name}>
                  <span className={classes.headName}>{line.name}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <SpacerRow height={view.before} columns={shown.length + 1} />
            {view.rows.map((row) => (
              <tr key={row} data-row>
                <td>{formatMoment((grid.times[row] ?? 0) * 1000, zone)}</td>
                {shown.map((line, column) => {
                  const value = grid.columns[column]?.[row] ?? null;
                  return (
                    <td key={line.key} className={classes.number}>
                      {value === null ? '–' : formatExact(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
            <SpacerRow height={view.after} columns={shown.length + 1} />
          </tbody>
        </table>
      </section>
    </>
  );
}
