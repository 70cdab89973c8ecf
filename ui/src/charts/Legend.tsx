import { UnstyledButton } from '@mantine/core';
import { useMemo, useRef, useState } from 'react';
import { formatExact, formatValue, type Unit } from '../format/value';
import { LabelText } from '../labels/LabelText';
import { commonLabels, withoutCommon } from '../labels/labels';
import { SortHeader, type SortState } from '../lists/SortHeader';
import { SpacerRow } from '../lists/SpacerRow';
import { useVirtualRows } from '../lists/useVirtualRows';
import type { Visibility } from '../url/pages';
import classes from './charts.module.css';
import { isVisible, type Line, onlyLine, toggleLine } from './line';
import { Swatch } from './Swatch';

const ROW_PX = 26;

type Column = 'name' | 'last' | 'min' | 'mean' | 'max';
const NUMBERS = ['last', 'min', 'mean', 'max'] as const;
const HEADS = { last: 'Last', min: 'Min', mean: 'Mean', max: 'Max' } as const;

export interface LegendProps {
  lines: readonly Line[];
  unit: Unit;
  visibility: Visibility;
  onVisibility(next: Visibility): void;
  /** More than one query is drawn, so each line says which one it belongs to. */
  tagged: boolean;
}

/** The lines of a chart with their figures: the swatch shows or hides one, the name shows it alone. */
export function Legend({ lines, unit, visibility, onVisibility, tagged }: LegendProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [sort, setSort] = useState<SortState<Column>>();
  const common = useMemo(() => commonLabels(lines.map((line) => line.labels)), [lines]);
  const sorted = useMemo(() => sortLines(lines, sort), [lines, sort]);
  const view = useVirtualRows(sorted.length, ROW_PX, scroller);
  const keys = lines.map((line) => line.key);
  return (
    // A scrolling region has to be reachable by keyboard even while nothing in view can be focused.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section ref={scroller} className={classes.legend} aria-label="Legend" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">
              <span aria-hidden="true" />
              <span className="bw-sr">Shown</span>
            </th>
            <SortHeader column="name" label="Series" sort={sort} onSort={setSort} />
            {NUMBERS.map((column) => (
              <SortHeader key={column} column={column} label={HEADS[column]} sort={sort} onSort={setSort} numeric />
            ))}
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={6} />
          {view.rows.map((index) => {
            const line = sorted[index];
            if (line === undefined) return null;
            const on = isVisible(visibility, line.key);
            return (
              <tr key={line.key} data-row className={on ? undefined : classes.hidden}>
                <td>
                  <UnstyledButton
                    className={classes.swatchButton}
                    aria-pressed={on}
                    aria-label={`${on ? 'Hide' : 'Show'} ${line.name}`}
                    onClick={() => onVisibility(toggleLine(visibility, line.key, keys))}
                  >
                    <Swatch style={line.style} on={on} />
                  </UnstyledButton>
                </td>
                <td className={classes.grow}>
                  <UnstyledButton
                    className={classes.nameButton}
                    title={line.name}
                    aria-label={`Show only ${line.name}`}
                    onClick={() => onVisibility(onlyLine(visibility, line.key))}
                  >
                    {tagged && <span className="bw-tag">{line.query}</span>}
                    <LabelText labels={withoutCommon(line.labels, common)} fallback="value" />
                  </UnstyledButton>
                </td>
                {NUMBERS.map((column) => {
                  const value = line.stats[column];
                  return (
                    <td
                      key={column}
                      className={classes.number}
                      title={value === undefined ? undefined : formatExact(value)}
                    >
                      {value === undefined ? '–' : formatValue(value, unit)}
                    </td>
                  );
                })}
              </tr>
            );
          })}
          <SpacerRow height={view.after} columns={6} />
        </tbody>
      </table>
    </section>
  );
}

function sortLines(lines: readonly Line[], sort: SortState<Column> | undefined): readonly Line[] {
  if (sort === undefined) return lines;
  const { column, descending } = sort;
  const sign = descending ? -1 : 1;
  return [...lines].sort((a, b) => {
    if (column === 'name') return sign * a.name.localeCompare(b.name, undefined, { numeric: true });
    const low = Number.NEGATIVE_INFINITY;
    return sign * ((a.stats[column] ?? low) - (b.stats[column] ?? low));
  });
}
