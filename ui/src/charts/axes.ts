import type uPlot from 'uplot';
import { axisFormat, axisSteps, type Unit } from '../format/value';
import { tokenValue } from '../theme/series';
import { inZone, type Zone } from '../time/zone';

const DAY = 86_400;

/** Free space to the right of the chart. */
export const RIGHT_PX = 12;

/** About the width of a character of the marks. */
const DIGIT_PX = 6.6;

/** The texts of the marks of the time axis: as much of the time as the distance needs, the date where it changes. */
export function timeMarks(splits: readonly number[], increment: number, zone: Zone): string[] {
  const form = increment >= DAY ? 'MMM D' : increment >= 60 ? 'HH:mm' : increment >= 1 ? 'HH:mm:ss' : 'HH:mm:ss.SSS';
  let day = '';
  return splits.map((seconds) => {
    const moment = inZone(seconds * 1000, zone);
    const text = moment.format(form);
    if (increment >= DAY) return text;
    const date = moment.format('MMM D');
    const changed = date !== day;
    day = date;
    return changed ? `${text}\n${date}` : text;
  });
}

export function timeAxis(zone: Zone): uPlot.Axis {
  return {
    ...look(),
    space: 76,
    size: 38,
    values: (u, splits, _axis, _space, increment) => {
      const marks = timeMarks(splits, increment, zone);
      return marks.map((text, i) => (fits(u, splits[i] ?? 0, text) ? text : ''));
    },
  };
}

/** Whether a text below the chart ends before the chart's right edge; a cut one could be read as another time. */
function fits(u: uPlot, seconds: number, text: string): boolean {
  const half = (Math.max(...text.split('\n').map((line) => line.length)) * DIGIT_PX) / 2;
  // The element is as wide as that only after the chart was drawn for the first time.
  const width = u.bbox.width / window.devicePixelRatio;
  return u.valToPos(seconds, 'x') + half <= width + RIGHT_PX;
}

export function valueAxis(unit: Unit): uPlot.Axis {
  const steps = axisSteps(unit);
  return {
    ...look(),
    // A small chart needs its few marks, a large one no ladder of them.
    space: (_u, _axis, _low, _high, height) => (height < 200 ? 28 : 40),
    ...(steps && { incrs: [...steps] }),
    size: (_u, values) => Math.max(36, 14 + DIGIT_PX * Math.max(0, ...(values ?? []).map((text) => text.length))),
    values: (_u, splits) => splits.map(axisFormat(splits, unit)),
  };
}

function look(): uPlot.Axis {
  const grid = tokenValue('--bw-grid');
  return {
    font: `11px ${tokenValue('--bw-font')}`,
    stroke: tokenValue('--bw-text-dim'),
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    border: { show: false },
    gap: 6,
  };
}
