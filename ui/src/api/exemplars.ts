import type { Labels } from '../labels/labels';
import { parseNumber } from './query';

/** A single observation that stands for others, with labels that lead to more: a trace's id, say. */
export interface Exemplar {
  labels: Labels;
  value: number;
  /** Seconds since 1970. */
  time: number;
}

export interface ExemplarSeries {
  labels: Labels;
  exemplars: readonly Exemplar[];
}

interface WireSeries {
  seriesLabels?: Labels;
  exemplars?: { labels?: Labels; value: string; timestamp: number }[];
}

export function decodeExemplars(data: unknown): ExemplarSeries[] {
  return ((data ?? []) as WireSeries[]).map(({ seriesLabels = {}, exemplars = [] }) => ({
    labels: seriesLabels,
    exemplars: exemplars.map(({ labels = {}, value, timestamp }) => ({
      labels,
      value: parseNumber(value),
      time: timestamp,
    })),
  }));
}
