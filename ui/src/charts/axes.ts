import type uPlot from 'uplot';
import { axisFormat, type Unit } from '../format/value';
import { tokenValue } from '../theme/series';
import { inZone, type Zone } from '../time/zone';

const DAY = 86_400;

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
    values: (_u, splits, _axis, _space, increment) => timeMarks(splits, increment, zone),
  };
}

export function valueAxis(unit: Unit): uPlot.Axis {
  return {
    ...look(),
    space: 34,
    size: (_u, values) => Math.max(36, 14 + 6.6 * Math.max(0, ...(values ?? []).map((text) => text.length))),
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
