import { ActionIcon, Button, Modal, NativeSelect, Tooltip } from '@mantine/core';
import { useViewportSize } from '@mantine/hooks';
import { IconDiamonds, IconMaximize } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { Legend } from '../../charts/Legend';
import type { Line } from '../../charts/line';
import { TimeSeriesChart } from '../../charts/TimeSeriesChart';
import type { Drawing, RangeQuery } from '../../charts/useRangeQueries';
import { formatCount, plural, type Unit } from '../../format/value';
import { useKeys } from '../../nav/keys';
import { useTime, useTimeMoves } from '../../nav/time';
import { type ExploreState, FIRST_LINES } from '../../url/pages';
import classes from './explore.module.css';
import { MOST_LINES, moreLines } from './shown';

const HEIGHT_PX = 360;

const ExemplarLayer = lazy(async () => ({ default: (await import('./exemplars/ExemplarLayer')).ExemplarLayer }));

interface GraphTabProps {
  drawing: Drawing;
  /** The lines of the drawing that are shown. */
  lines: readonly Line[];
  stale: boolean;
  unit: Unit;
  asked: readonly RangeQuery[];
  state: ExploreState;
  set(patch: Partial<ExploreState>): void;
}

/** The chart with its legend, in place or filling the window. */
export function GraphTab(props: GraphTabProps) {
  const [full, setFull] = useState(false);
  const { height } = useViewportSize();
  useKeys({ v: () => setFull(true) });
  return (
    <>
      <Chart {...props} height={HEIGHT_PX} onFull={() => setFull(true)} />
      <Modal
        opened={full}
        onClose={() => setFull(false)}
        fullScreen
        title="Graph"
        closeButtonProps={{ 'aria-label': 'Close the full-size chart' }}
      >
        <Chart {...props} height={Math.max(HEIGHT_PX, height - 400)} />
      </Modal>
    </>
  );
}

function Chart(props: GraphTabProps & { height: number; onFull?: () => void }) {
  const { drawing, lines, stale, unit, asked, state, set, height, onFull } = props;
  const { zone, setSpan } = useTime();
  const { zoomOut } = useTimeMoves();
  const exemplars = state.exemplars === 'on';
  const histograms = drawing.lines.filter((line) => line.series.histograms > 0).length;
  return (
    <>
      <div className={classes.graphHead}>
        <Amount shown={lines.length} all={drawing.lines.length} state={state} set={set} />
        {histograms > 0 && (
          <span>
            {plural(histograms, 'series holds', 'series hold')} native histograms, which are no lines: use
            histogram_quantile() or look at the table.
          </span>
        )}
        <span className={classes.spread} />
        <Tooltip label="Single observations, as dots">
          <Button
            size="compact-xs"
            aria-pressed={exemplars}
            variant={exemplars ? 'light' : 'default'}
            leftSection={<IconDiamonds size={13} aria-hidden="true" />}
            onClick={() => set({ exemplars: exemplars ? 'off' : 'on' })}
          >
            Exemplars
          </Button>
        </Tooltip>
        {onFull !== undefined && (
          <Tooltip label="Full size (v)">
            <ActionIcon aria-label="Chart in full size" onClick={onFull}>
              <IconMaximize size={15} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
      <TimeSeriesChart
        {...drawing}
        lines={lines}
        label="Graph of the queries"
        unit={unit}
        zone={zone}
        height={height}
        visibility={state.show}
        stale={stale}
        onZoom={setSpan}
        onZoomOut={zoomOut}
        overlay={
          exemplars
            ? (layout) => (
                <Suspense>
                  <ExemplarLayer asked={asked} span={drawing.span} layout={layout} zone={zone} />
                </Suspense>
              )
            : undefined
        }
      />
      <Legend
        lines={lines}
        unit={unit}
        visibility={state.show}
        onVisibility={(show) => set({ show })}
        tagged={asked.length > 1}
      />
    </>
  );
}

interface AmountProps {
  shown: number;
  all: number;
  state: ExploreState;
  set(patch: Partial<ExploreState>): void;
}

/** Never a limit without a sentence that says so, and how to see more. */
function Amount({ shown, all, state, set }: AmountProps) {
  const { top, rank } = state;
  if (all <= FIRST_LINES) return <span>{plural(all, 'series', 'series')}</span>;
  const most = top === 'all' || shown === all;
  return (
    <>
      <span role="status">
        {shown < all
          ? `Showing ${formatCount(shown)} of ${formatCount(all)} series`
          : `Showing all ${formatCount(all)} series`}
      </span>
      {shown < all && (
        <NativeSelect
          aria-label="Which series are shown"
          w={170}
          value={rank}
          onChange={(event) => set({ rank: event.currentTarget.value === 'last' ? 'last' : 'max' })}
          data={[
            { value: 'max', label: 'with the highest peaks' },
            { value: 'last', label: 'with the highest last values' },
          ]}
        />
      )}
      {!most && (
        <>
          <Button size="compact-xs" onClick={() => set({ top: moreLines(top, all) })}>
            Show more
          </Button>
          <Button size="compact-xs" onClick={() => set({ top: 'all' })}>
            Show {all > MOST_LINES ? formatCount(MOST_LINES) : 'all'}
          </Button>
        </>
      )}
      {top !== FIRST_LINES && (
        <Button size="compact-xs" onClick={() => set({ top: FIRST_LINES })}>
          Show {FIRST_LINES}
        </Button>
      )}
    </>
  );
}
