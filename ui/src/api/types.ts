import type { Labels } from '../labels/labels';

export interface MetricMetadata {
  type: string;
  help: string;
  unit: string;
}

export type Health = 'up' | 'down' | 'unknown';

/** One rule's work on the labels of one target. */
export interface RelabelStep {
  /** The rule as it stands in the configuration, or a description of it. */
  rule: unknown;
  before: Labels;
  after: Labels;
  dropped: boolean;
}

export interface ActiveTarget {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl?: string;
  /** Empty if the last scrape succeeded. */
  lastError: string;
  /** The line of the exposition at which reading it failed, counted from one. */
  lastErrorLine?: number;
  /** RFC 3339; the year 1 if there was no scrape yet. */
  lastScrape: string;
  /** Seconds. */
  lastScrapeDuration: number;
  health: Health;
  scrapeInterval: string;
  scrapeTimeout: string;
  relabelSteps?: RelabelStep[];
}

export interface DroppedTarget {
  discoveredLabels: Labels;
  scrapePool?: string;
  relabelSteps?: RelabelStep[];
}

export interface Targets {
  activeTargets: ActiveTarget[];
  droppedTargets: DroppedTarget[];
  droppedTargetCounts?: Record<string, number>;
}

export interface BuildInfo {
  version: string;
  revision: string;
  [key: string]: string;
}

export interface RuntimeInfo {
  /** The server feeds itself with the demo fleet. */
  demo?: boolean;
  [key: string]: unknown;
}

export interface NamedCount {
  name: string;
  value: number;
}

export interface TsdbStatus {
  headStats: {
    numSeries: number;
    numLabelPairs?: number;
    chunkCount?: number;
    /** Milliseconds since 1970. */
    minTime?: number;
    maxTime?: number;
  };
  seriesCountByMetricName: NamedCount[];
  labelValueCountByLabelName: NamedCount[];
  memoryInBytesByLabelName: NamedCount[];
  seriesCountByLabelValuePair: NamedCount[];
}
