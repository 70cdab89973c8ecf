import type { Labels } from '../labels/labels';

/** A native histogram as the API writes it. */
export interface NativeHistogram {
  count: number;
  sum: number;
  /** Lower bound, upper bound, observations. */
  buckets: readonly (readonly [lower: number, upper: number, count: number])[];
}

/** One series of a range: columns, times in seconds. */
export interface RangeSeries {
  labels: Labels;
  times: Float64Array;
  values: Float64Array;
  /** Samples that are native histograms, which a line cannot show. */
  histograms: number;
  /** Those samples, if there are any. */
  native?: readonly NativePoint[];
}

export interface NativePoint {
  /** Seconds since 1970. */
  time: number;
  histogram: NativeHistogram;
}

export interface InstantSample {
  labels: Labels;
  /** Seconds since 1970. */
  time: number;
  value: number | NativeHistogram;
}

export type QueryResult =
  | { type: 'matrix'; series: RangeSeries[] }
  | { type: 'vector'; samples: InstantSample[] }
  | { type: 'scalar'; time: number; value: number }
  | { type: 'string'; time: number; text: string };

export interface QueryData {
  result: QueryResult;
  /** How many samples the server read, where it tells. */
  samplesRead: number | undefined;
}

interface WireHistogram {
  count: string;
  sum: string;
  buckets?: [boundaries: number, lower: string, upper: string, count: string][];
}

interface WireSeries {
  metric: Labels;
  value?: [number, string];
  values?: [number, string][];
  histogram?: [number, WireHistogram];
  histograms?: [number, WireHistogram][];
}

interface WireData {
  resultType: string;
  result: unknown;
  stats?: { samples?: { totalQueryableSamples?: number } };
}

/** Reads a number as the API writes it, `+Inf` and `NaN` included. */
export function parseNumber(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return text === '' ? Number.NaN : Number(text);
}

/** Turns the data of `query` and `query_range` into columns. Throws on a kind of result that does not exist. */
export function decodeQuery(data: unknown): QueryData {
  const { resultType, result, stats } = data as WireData;
  return { result: decodeResult(resultType, result), samplesRead: stats?.samples?.totalQueryableSamples };
}

function decodeResult(type: string, result: unknown): QueryResult {
  switch (type) {
    case 'matrix':
      return { type, series: (result as WireSeries[]).map(decodeSeries) };
    case 'vector':
      return { type, samples: (result as WireSeries[]).map(decodeSample) };
    case 'scalar': {
      const [time, value] = result as [number, string];
      return { type, time, value: parseNumber(value) };
    }
    case 'string': {
      const [time, text] = result as [number, string];
      return { type, time, text };
    }
    default:
      throw new Error(`unknown result type ${JSON.stringify(type)}`);
  }
}

function decodeSeries({ metric, values = [], histograms = [] }: WireSeries): RangeSeries {
  const times = new Float64Array(values.length);
  const column = new Float64Array(values.length);
  values.forEach(([time, value], i) => {
    times[i] = time;
    column[i] = parseNumber(value);
  });
  const series = { labels: metric, times, values: column, histograms: histograms.length };
  if (histograms.length === 0) return series;
  return { ...series, native: histograms.map(([time, wire]) => ({ time, histogram: decodeHistogram(wire) })) };
}

function decodeSample({ metric, value, histogram }: WireSeries): InstantSample {
  if (histogram !== undefined) return { labels: metric, time: histogram[0], value: decodeHistogram(histogram[1]) };
  const [time, text] = value ?? [0, ''];
  return { labels: metric, time, value: parseNumber(text) };
}

function decodeHistogram({ count, sum, buckets = [] }: WireHistogram): NativeHistogram {
  return {
    count: parseNumber(count),
    sum: parseNumber(sum),
    buckets: buckets.map(([, lower, upper, n]) => [parseNumber(lower), parseNumber(upper), parseNumber(n)] as const),
  };
}
