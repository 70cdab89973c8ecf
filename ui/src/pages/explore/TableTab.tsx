import { SegmentedControl } from '@mantine/core';
import { useMemo } from 'react';
import { alignSeries } from '../../charts/align';
import { ChartData } from '../../charts/ChartData';
import { isVisible } from '../../charts/line';
import type { Drawing, QueryState } from '../../charts/useRangeQueries';
import type { Unit } from '../../format/value';
import { useTime } from '../../nav/time';
import { Loading } from '../../states/Loading';
import { formatMoment } from '../../time/zone';
import type { ExploreState } from '../../url/pages';
import classes from './explore.module.css';
import { ResultTable } from './ResultTable';

interface TableTabProps {
  state: ExploreState;
  set(patch: Partial<ExploreState>): void;
  /** Answers to the instant queries. */
  states: readonly QueryState[];
  unit: Unit;
  drawing: Drawing | undefined;
  stale: boolean;
}

/** Values as a table: at the end of the range, or all of the range. */
export function TableTab({ state, set, states, unit, drawing, stale }: TableTabProps) {
  const { span, zone } = useTime();
  return (
    <div className={stale ? classes.stale : undefined}>
      <div className={classes.graphHead}>
        <SegmentedControl
          aria-label="Which values"
          value={state.at}
          onChange={(value) => set({ at: value === 'range' ? 'range' : 'instant' })}
          data={[
            { value: 'instant', label: 'Instant' },
            { value: 'range', label: 'Range' },
          ]}
        />
        <span>{state.at === 'instant' ? `at ${formatMoment(span.end, zone)}` : 'every value of the graph'}</span>
      </div>
      {state.at === 'range' ? (
        drawing === undefined ? (
          <Loading height={240} />
        ) : (
          <RangeValues drawing={drawing} state={state} />
        )
      ) : (
        states.map(({ id, expression, answer, loading }) => (
          <div key={id}>
            {states.length > 1 && (
              <p className={classes.tableTitle}>
                <span className="bw-tag">{id}</span>
                <span className="bw-mono">{expression}</span>
              </p>
            )}
            {answer !== undefined && <ResultTable result={answer.data.result} name={id} unit={unit} zone={zone} />}
            {answer === undefined && loading && <Loading height={160} />}
          </div>
        ))
      )}
    </div>
  );
}

function RangeValues({ drawing, state }: { drawing: Drawing; state: ExploreState }) {
  const { zone } = useTime();
  const lines = useMemo(
    () => drawing.lines.filter((line) => isVisible(state.show, line.key)),
    [drawing.lines, state.show],
  );
  const grid = useMemo(
    () =>
      alignSeries(
        lines.map((line) => line.series),
        drawing.span,
        drawing.step,
      ),
    [lines, drawing],
  );
  return <ChartData lines={lines} grid={grid} zone={zone} />;
}
