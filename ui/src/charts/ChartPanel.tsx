import { type ReactNode, useMemo } from 'react';
import type { Unit } from '../format/value';
import type { Labels } from '../labels/labels';
import { useTime, useTimeMoves } from '../nav/time';
import { Panel } from '../panel/Panel';
import { ErrorCard } from '../states/ErrorCard';
import { Loading } from '../states/Loading';
import classes from './charts.module.css';
import type { Line } from './line';
import { Swatch } from './Swatch';
import { TimeSeriesChart } from './TimeSeriesChart';
import { type RangeQuery, useRangeQueries } from './useRangeQueries';

interface ChartPanelProps {
  title: string;
  queries: readonly RangeQuery[];
  unit: Unit;
  height: number;
  actions?: ReactNode;
  /** The name of a line; without it lines are named by their labels. */
  nameOf?: (query: string, labels: Labels) => string;
  /** Said when there is nothing to draw. */
  nothing: string;
}

/** A small chart of fixed queries over the page's time range, with its lines named below. */
export function ChartPanel({ title, queries, unit, height, actions, nameOf, nothing }: ChartPanelProps) {
  const { zone, setSpan } = useTime();
  const { zoomOut } = useTimeMoves();
  const { states, drawing, stale } = useRangeQueries(queries);
  const failed = states.find((state) => state.error !== undefined);
  const lines = useMemo(() => (drawing === undefined ? [] : renamed(drawing.lines, nameOf)), [drawing, nameOf]);
  return (
    <Panel title={title} actions={actions} flush>
      {failed !== undefined && <ErrorCard error={failed.error} onRetry={failed.retry} />}
      {failed === undefined && drawing === undefined && <Loading height={height} />}
      {failed === undefined && drawing !== undefined && lines.length === 0 && (
        <p className="bw-note" style={{ minHeight: height }}>
          {nothing}
        </p>
      )}
      {failed === undefined && drawing !== undefined && lines.length > 0 && (
        <>
          <TimeSeriesChart
            {...drawing}
            lines={lines}
            label={title}
            unit={unit}
            zone={zone}
            height={height}
            stale={stale}
            onZoom={setSpan}
            onZoomOut={zoomOut}
          />
          <MiniLegend lines={lines} />
        </>
      )}
    </Panel>
  );
}

function renamed(lines: readonly Line[], nameOf: ChartPanelProps['nameOf']): Line[] {
  return lines.map((line) => (nameOf === undefined ? line : { ...line, name: nameOf(line.query, line.labels) }));
}

const MOST_NAMES = 8;

function MiniLegend({ lines }: { lines: readonly Line[] }) {
  const rest = lines.length - MOST_NAMES;
  return (
    <ul className={classes.miniLegend} aria-label="Lines">
      {lines.slice(0, MOST_NAMES).map((line) => (
        <li key={line.key} title={line.name}>
          <Swatch style={line.style} />
          <span className={classes.miniName}>{line.name}</span>
        </li>
      ))}
      {rest > 0 && <li>and {rest} more</li>}
    </ul>
  );
}
