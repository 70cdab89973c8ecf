import type { Labels } from '../labels/labels';
import type { TargetCheck } from './packs';

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
  lastErrorLine?: number | null;
  lastErrorColumn?: number | null;
  /** RFC 3339; the year 1 if there was no scrape yet. */
  lastScrape: string;
  /** Seconds. */
  lastScrapeDuration: number;
  health: Health;
  scrapeInterval: string;
  scrapeTimeout: string;
  /** Samples of the last scrape. */
  lastScrapeSamples?: number | null;
  /** RFC 3339. */
  nextScrape?: string | null;
  /** Scrapes left out because one before took too long. */
  missedScrapes?: number | null;
  relabelSteps?: RelabelStep[];
  /** What it exposes against what packs promise; null before the first check. */
  packs?: TargetCheck | null;
}

export interface DroppedTarget {
  discoveredLabels: Labels;
  scrapePool?: string;
  relabelSteps?: RelabelStep[];
}

/** A target that cannot be scraped as it is configured. */
export interface InvalidTarget {
  scrapePool: string;
  /** Where it stands in the configuration. */
  place: string;
  error: string;
}

export interface Targets {
  activeTargets: ActiveTarget[];
  droppedTargets: DroppedTarget[];
  invalidTargets: InvalidTarget[];
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
  /** Damaged places of the store that were found since the start. */
  corruptionCount?: number;
  /** Files that are kept of damage, also of earlier starts. */
  damagedFiles?: number;
  /** The server holds back because its last starts did not go well. */
  safeMode?: boolean;
  /** RFC 3339: when the server started, and when it answered, by its clock. */
  startTime?: string;
  serverTime?: string;
  /** Whether the last attempt to load the configuration succeeded. */
  reloadConfigSuccess?: boolean;
  /** RFC 3339: when the configuration in use was loaded. */
  lastConfigTime?: string;
  /** When the last attempt failed, and what is wrong, with a line per problem; null if it did not. */
  lastReloadFailure?: { time: string; reason: string } | null;
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
    minTime?: number | null;
    maxTime?: number | null;
  };
  seriesCountByMetricName: NamedCount[];
  labelValueCountByLabelName: NamedCount[];
  memoryInBytesByLabelName: NamedCount[];
  seriesCountByLabelValuePair: NamedCount[];
}

/** One node of a query in words, with the nodes below it. */
export interface Explanation {
  /** Where it stands in the query, in bytes. */
  span: readonly [start: number, end: number];
  /** What it is, by the names of `parse_query`. */
  kind: string;
  /** What it is to the node above it: `query`, `left`, `right`, `parameter`, `argument` or `operand`. */
  role: string;
  sentence: string;
  children: readonly Explanation[];
}
