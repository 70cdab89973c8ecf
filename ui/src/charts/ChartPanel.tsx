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
import { type Drawing, type RangeQuery, useRangeQueries } from './useRangeQueries';

interface PanelLook {
  title: string;
  unit: Unit;
  height: number;
  actions?: ReactNode;
  /** Said when there is nothing to draw. */
  nothing: string;
}

interface ChartPanelProps extends PanelLook {
  queries: readonly RangeQuery[];
  /** The name of a line; without it lines are named by their labels. */
  nameOf?: (query: string, labels: Labels) => string;
}

/** A small chart of fixed queries over the page's time range, with its lines named below. */
export function ChartPanel({ queries, nameOf, ...look }: ChartPanelProps) {
  const { states, drawing, stale } = useRangeQueries(queries);
  const failed = states.find((state) => state.error !== undefined);
  const named = useMemo(
    () => drawing && { ...drawing, lines: renamed(drawing.lines, nameOf), stale },
    [drawing, nameOf, stale],
  );
  return (
    <LinesPanel
      {...look}
      drawing={named}
      failure={failed === undefined ? undefined : { error: failed.error, retry: failed.retry }}
    />
  );
}

interface LinesPanelProps extends PanelLook {
  /** Undefined while nothing has arrived. */
  drawing: (Drawing & { stale: boolean }) | undefined;
  failure: { error: unknown; retry(): void } | undefined;
}

/** The same for lines that come from elsewhere than from queries. */
export function LinesPanel({ title, unit, height, actions, nothing, drawing, failure }: LinesPanelProps) {
  const { zone, setSpan } = useTime();
  const { zoomOut } = useTimeMoves();
  return (
    <Panel title={title} actions={actions} flush>
      {failure !== undefined && <ErrorCard error={failure.error} onRetry={failure.retry} />}
      {failure === undefined && drawing === undefined && <Loading height={height} />}
      {failure === undefined && drawing?.lines.length === 0 && (
        <p className="bw-note" style={{ minHeight: height }}>
          {nothing}
        </p>
      )}
      {failure === undefined && drawing !== undefined && drawing.lines.length > 0 && (
        <>
          <TimeSeriesChart
            {...drawing}
            label={title}
            unit={unit}
            zone={zone}
            height={height}
            onZoom={setSpan}
            onZoomOut={zoomOut}
          />
          <MiniLegend lines={drawing.lines} />
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
