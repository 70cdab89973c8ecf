/** What some series cost. */
export interface SeriesCost {
  series: number;
  /** Those that are new in the window. */
  createdSeries: number;
  /** Of labels and samples, roughly. */
  memoryBytes: number;
}

export interface MetricCost extends SeriesCost {
  /** Empty where series have none. */
  name: string;
}

export interface LabelCost {
  name: string;
  values: number;
  series: number;
  /** Of its name and values in these series, roughly. */
  memoryBytes: number;
}

export interface PairCost {
  name: string;
  value: string;
  series: number;
}

/** How often samples of a metric were refused because of a limit since the server started. */
export interface RefusedSamples {
  limit: string;
  /** Empty for the default one. */
  tenant: string;
  /** Empty where series have none. */
  metric: string;
  samples: number;
}

/** How far back series count as new. */
interface Window {
  windowSeconds: number;
  /** Less than the window if the server started later; what it found then counts as old. */
  observedSeconds: number;
}

/** Where the series in memory come from, the largest first. */
export interface Cardinality extends Window {
  total: SeriesCost;
  metricNames: number;
  metricsBySeries: MetricCost[];
  metricsByCreatedSeries: MetricCost[];
  metricsByMemory: MetricCost[];
  labelsByValues: LabelCost[];
  labelsByMemory: LabelCost[];
  labelPairsBySeries: PairCost[];
  refused: RefusedSamples[];
}

/** The series that have a label, with a value if one is given. Those of a metric have it in `__name__`. */
export interface LabelChoice {
  label: string;
  value?: string;
}

/** A metric name, or a value of a label. */
export interface NamedSeries {
  name: string;
  series: number;
}

export interface LabelBreakdown extends LabelCost {
  /** How many of the series could still be told apart without the label. */
  distinctSeriesWithout: number;
  topValues: NamedSeries[];
}

/** What chosen series consist of. */
export interface Breakdown extends Window {
  total: SeriesCost;
  metrics: NamedSeries[];
  /** How many of the series `labels` is about: less than all only of very many. */
  examinedSeries: number;
  labels: LabelBreakdown[];
}
