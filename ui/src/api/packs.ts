/** What is wrong, with the place in a pack. */
export interface PackFinding {
  rule: string;
  level: 'error' | 'warning' | 'info';
  file: string;
  line: number;
  column: number;
  message: string;
  remedy: string;
}

/** In what a target is not as a pack says. */
export interface CheckFinding extends PackFinding {
  /** Empty if the pack as a whole is meant. */
  metric: string;
  /** What the pack says. */
  expected: string;
  /** What the target exposes instead. */
  found: string;
}

export interface PackLabel {
  name: string;
  /** All values there are; empty for an open label. */
  values: string[];
  /** How many values an open label may have. */
  max: number | null;
  /** How many bytes a value may have. */
  maxLength: number | null;
  /** Series may lack it. */
  optional: boolean;
  help: string;
}

export interface PackMetric {
  name: string;
  type: string;
  unit: string;
  help: string;
  group: string;
  stability: string;
  replacedBy: string | null;
  until: string | null;
  labels: PackLabel[];
  buckets: number[] | null;
  quantiles: number[];
  states: string[];
  aliases: { name: string; labels: Record<string, string> }[];
  maxSeries: number | null;
  note: string;
}

/** Something in a pack that asks about metrics. */
export interface PackExpression {
  name: string;
  help: string;
  /** In PromQL; null without a meaning, for which lint has the reason. */
  expr: string | null;
  /** The metrics in it, by their names in the pack. */
  metrics: string[];
}

/** An expression with a name, for use in others. */
export interface NamedExpression extends PackExpression {
  unit: string | null;
}

export interface PackAlert extends Omit<PackExpression, 'help'> {
  /** The condition in terms of the pack's names. */
  when: string;
  for: string | null;
  severity: string | null;
  summary: string | null;
  description: string | null;
  /** Where it is written what to do: an address, or a page of the repository with the heading. */
  runbook: string | null;
}

/** How much of what happens must be good. */
export interface PackObjective extends PackExpression {
  /** In percent. */
  objective: number;
  /** Over how long. */
  over: string;
  /** The ratio of good to all. */
  sli: string;
  runbook: string | null;
}

export interface PackPanel {
  title: string;
  row: string | null;
  help: string;
  exprs: (string | null)[];
  metrics: string[];
}

export interface PackDashboard {
  title: string;
  panels: PackPanel[];
}

/** A file that is made of a pack. */
export interface PackFile {
  kind: string;
  name: string;
  text: string;
}

/** A catalogue of what one kind of application exposes. */
export interface Pack {
  name: string;
  version: string;
  title: string;
  description: string;
  namespace: string;
  file: string;
  /** It comes with the program. */
  builtIn: boolean;
  /** The jobs that it scrapes. */
  jobs: string[];
  metrics: PackMetric[];
  expressions: NamedExpression[];
  recordings: PackExpression[];
  alerts: PackAlert[];
  slos: PackObjective[];
  dashboards: PackDashboard[];
  lint: PackFinding[];
}

export type PackWord = 'ok' | 'warning' | 'error';

/** What the last check of a target against a pack came to. */
export interface PackCounts {
  pack: string;
  verdict: PackWord;
  errors: number;
  warnings: number;
  infos: number;
}

export interface PackVerdict extends PackCounts {
  /** The worst first; not all of very many. */
  findings: CheckFinding[];
  /** The metrics of the pack that the target exposes. */
  exposed: string[];
  /** How many of them the pack promises for the job of the target; null if it does not scrape the job. */
  promised: number | null;
}

export interface CheckedTarget {
  scrapePool: string;
  scrapeUrl: string;
  instance: string | null;
  /** RFC 3339. */
  checkedAt: string;
  /** Why nothing could be compared. */
  problem: string | null;
  packs: PackVerdict[];
}

export interface Packs {
  packs: Pack[];
  /** Targets that were checked at least once. */
  targets: CheckedTarget[];
}

/** The last check of a target in short. */
export interface TargetCheck {
  checkedAt: string;
  problem: string | null;
  packs: PackCounts[];
}
