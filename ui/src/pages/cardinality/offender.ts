import type { Cardinality, LabelChoice } from '../../api/cardinality';
import { formatCount, formatValue, plural } from '../../format/value';
import { formatAgo, formatDuration } from '../../time/duration';

const METRIC = '__name__';

/** One line of a ranking. */
export interface Offender {
  choice: LabelChoice;
  /** What it is called in the list. */
  name: string;
  /** What it is ranked by. */
  size: number;
  /** The same in words. */
  text: string;
  /** The limit that is in its way; the same name may be in a list once for each. */
  limit?: string;
}

export interface Ranking {
  title: string;
  note: string;
  rows: Offender[];
}

export const metricChoice = (name: string): LabelChoice => ({ label: METRIC, value: name });

export const isMetric = ({ label, value }: LabelChoice) => label === METRIC && value !== undefined;

export const sameChoice = (a: LabelChoice | undefined, b: LabelChoice) => a?.label === b.label && a.value === b.value;

/** What a choice is called. */
export function choiceName(choice: LabelChoice): string {
  if (isMetric(choice)) return choice.value ?? '';
  return choice.value === undefined ? choice.label : `${choice.label}=${choice.value}`;
}

/** The part of `all` in percent, without pretending that a little is nothing. */
export function share(part: number, all: number): string {
  if (all === 0 || part === 0) return '0 %';
  const percent = (100 * part) / all;
  return percent < 0.1 ? '< 0.1 %' : `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
}

/** For how long back new series are known. */
export function windowText({ windowSeconds, observedSeconds }: Cardinality): string {
  return observedSeconds < windowSeconds
    ? `since the start, ${formatAgo(1000 * observedSeconds)}`
    : `in the last ${formatDuration(1000 * windowSeconds)}`;
}

/** Whose samples limits refused; no list as long as there are none. */
function refused({ refused }: Cardinality): Ranking[] {
  if (refused.length === 0) return [];
  const rows = refused.map(({ limit, tenant, metric, samples }) => ({
    choice: metricChoice(metric),
    name: tenant === '' ? metric : `${tenant}: ${metric}`,
    size: samples,
    text: `${formatCount(samples)} · ${limit}`,
    limit,
  }));
  return [{ title: 'Refused by limits', note: 'samples since the start', rows }];
}

/** The lists of the page. */
export function rankings(data: Cardinality): Ranking[] {
  const { total } = data;
  return [
    ...refused(data),
    {
      title: 'Series by metric',
      note: `of ${plural(data.metricNames, 'metric')}`,
      rows: data.metricsBySeries.map(({ name, series }) => ({
        choice: metricChoice(name),
        name,
        size: series,
        text: `${formatCount(series)} · ${share(series, total.series)}`,
      })),
    },
    {
      title: 'New series by metric',
      note: windowText(data),
      rows: data.metricsByCreatedSeries.map(({ name, createdSeries }) => ({
        choice: metricChoice(name),
        name,
        size: createdSeries,
        text: `${formatCount(createdSeries)} · ${share(createdSeries, total.createdSeries)}`,
      })),
    },
    {
      title: 'Memory by metric',
      note: 'labels and samples',
      rows: data.metricsByMemory.map(({ name, memoryBytes }) => ({
        choice: metricChoice(name),
        name,
        size: memoryBytes,
        text: `${formatValue(memoryBytes, 'bytes')} · ${share(memoryBytes, total.memoryBytes)}`,
      })),
    },
    {
      title: 'Values by label',
      note: 'different ones',
      rows: data.labelsByValues.map(({ name, values }) => ({
        choice: { label: name },
        name,
        size: values,
        text: formatCount(values),
      })),
    },
    {
      title: 'Memory by label',
      note: 'names, values and index',
      rows: data.labelsByMemory.map(({ name, memoryBytes }) => ({
        choice: { label: name },
        name,
        size: memoryBytes,
        text: formatValue(memoryBytes, 'bytes'),
      })),
    },
    {
      title: 'Series by label and value',
      note: 'the most common pairs',
      rows: data.labelPairsBySeries.map(({ name, value, series }) => ({
        choice: { label: name, value },
        name: `${name}=${value}`,
        size: series,
        text: `${formatCount(series)} · ${share(series, total.series)}`,
      })),
    },
  ];
}
