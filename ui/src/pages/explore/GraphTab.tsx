import { ActionIcon, Button, Modal, Tooltip } from '@mantine/core';
import { useViewportSize } from '@mantine/hooks';
import { IconMaximize } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { Legend } from '../../charts/Legend';
import type { Line } from '../../charts/line';
import { topSeries } from '../../charts/stats';
import { TimeSeriesChart } from '../../charts/TimeSeriesChart';
import type { Drawing } from '../../charts/useRangeQueries';
import { formatCount, plural, type Unit } from '../../format/value';
import { useKeys } from '../../nav/keys';
import { useTime, useTimeMoves } from '../../nav/time';
import { seriesStyle } from '../../theme/series';
import type { ExploreState } from '../../url/pages';
import classes from './explore.module.css';

/** Lines drawn at first. */
const SOME_LINES = 50;

/** Lines drawn at most: beyond this a browser struggles and nobody sees anything. */
const MOST_LINES = 2000;

const HEIGHT_PX = 360;

interface GraphTabProps {
  drawing: Drawing;
  stale: boolean;
  unit: Unit;
  tagged: boolean;
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
  const { drawing, stale, unit, tagged, state, set, height, onFull } = props;
  const { zone, setSpan } = useTime();
  const { zoomOut } = useTimeMoves();
  const lines = useMemo(() => shownLines(drawing.lines, state.top), [drawing.lines, state.top]);
  const histograms = drawing.lines.filter((line) => line.series.histograms > 0).length;
  return (
    <>
      <div className={classes.graphHead}>
        <Amount shown={lines.length} all={drawing.lines.length} set={set} top={state.top} />
        {histograms > 0 && (
          <span>
            {plural(histograms, 'series holds', 'series hold')} native histograms, which are no lines: use
            histogram_quantile() or look at the table.
          </span>
        )}
        <span className={classes.spread} />
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
      />
      <Legend
        lines={lines}
        unit={unit}
        visibility={state.show}
        onVisibility={(show) => set({ show })}
        tagged={tagged}
      />
    </>
  );
}

function shownLines(lines: readonly Line[], top: 'some' | 'all'): Line[] {
  const limit = top === 'all' ? MOST_LINES : SOME_LINES;
  if (lines.length <= limit) return [...lines];
  const stats = lines.map((line) => line.stats);
  return topSeries(stats, limit).flatMap((index, i) => {
    const line = lines[index];
    // Styles are dealt anew, so that the lines that are left differ as much as they can.
    return line === undefined ? [] : [{ ...line, style: seriesStyle(i) }];
  });
}

interface AmountProps {
  shown: number;
  all: number;
  top: 'some' | 'all';
  set(patch: Partial<ExploreState>): void;
}

/** Never a limit without a sentence that says so. */
function Amount({ shown, all, top, set }: AmountProps) {
  if (all <= SOME_LINES) return <span>{plural(all, 'series', 'series')}</span>;
  return (
    <>
      <span>
        {shown < all
          ? `The ${formatCount(shown)} of ${formatCount(all)} series with the highest peaks`
          : plural(all, 'series', 'series')}
      </span>
      {top === 'some' ? (
        <Button size="compact-xs" onClick={() => set({ top: 'all' })}>
          Draw {all > MOST_LINES ? formatCount(MOST_LINES) : 'all'}
        </Button>
      ) : (
        <Button size="compact-xs" onClick={() => set({ top: 'some' })}>
          Draw {SOME_LINES}
        </Button>
      )}
    </>
  );
}
