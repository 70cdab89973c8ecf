import type { Labels } from '../labels/labels';

/** An alert of a rule of this server that waits for its `for`, or is past it. */
export interface RuleAlert {
  labels: Labels;
  annotations: Labels;
  state: 'pending' | 'firing';
  /** RFC 3339. */
  activeAt: string;
  keepFiringSince?: string | null;
  /** A number as the API writes it. */
  value: string;
}

/** What lint says about a rule. */
export interface LintFinding {
  /** The id of the rule of lint. */
  rule: string;
  severity: 'error' | 'warning' | 'info';
  /** What is wrong. */
  message: string;
  /** What to do about it; may be empty. */
  remedy: string;
}

export type RuleHealth = 'ok' | 'err' | 'unknown';

interface RuleBase {
  name: string;
  /** The expression. */
  query: string;
  labels?: Labels;
  health: RuleHealth;
  /** Missing or empty if the last evaluation succeeded. */
  lastError?: string;
  /** Seconds that the last evaluation took. */
  evaluationTime: number;
  /** RFC 3339; the year 1 if there was none yet. */
  lastEvaluation: string;
  /** Missing if it was not asked for. */
  lint?: LintFinding[];
}

export interface AlertingRule extends RuleBase {
  type: 'alerting';
  /** `for` in seconds. */
  duration: number;
  /** `keep_firing_for` in seconds. */
  keepFiringFor?: number;
  annotations?: Labels;
  alerts?: RuleAlert[] | null;
  state: 'inactive' | 'pending' | 'firing' | 'unknown';
}

export interface RecordingRule extends RuleBase {
  type: 'recording';
}

export type Rule = AlertingRule | RecordingRule;

export interface RuleGroup {
  name: string;
  file: string;
  /** Seconds between two evaluations. */
  interval: number;
  limit?: number;
  rules: Rule[];
  /** Seconds that the last evaluation of all rules took. */
  evaluationTime: number;
  lastEvaluation: string;
}

/** An alert as the router has it, by Alertmanager's API. */
export interface RouterAlert {
  labels: Labels;
  annotations: Labels;
  /** RFC 3339. */
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  fingerprint: string;
  generatorURL?: string;
  receivers: { name: string }[];
  status: {
    state: 'unprocessed' | 'active' | 'suppressed';
    /** Ids of silences. */
    silencedBy: string[];
    /** Fingerprints of alerts. */
    inhibitedBy: string[];
    /** Names of time intervals. */
    mutedBy?: string[];
  };
}

/** A condition of a silence on one label, as the API writes it. */
export interface SilenceMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual?: boolean;
}

export type SilenceState = 'active' | 'pending' | 'expired';

export interface Silence {
  id: string;
  status: { state: SilenceState };
  matchers: SilenceMatcher[];
  /** RFC 3339. */
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  createdBy: string;
  comment: string;
  /** What programs noted about it. */
  annotations?: Labels;
  /** `firing` if people are still told that an alert is over; otherwise they are told nothing. */
  mute?: 'firing';
  /** The times at which it holds, as a list of time intervals in YAML; otherwise it always does until it ends. */
  recurs?: string;
}

/** An alert that matchers are about. */
export interface PreviewedAlert {
  fingerprint: string;
  labels: Labels;
}

/** Which alerts matchers are about. */
export interface SilencePreview {
  /** Those that there are now. */
  now: PreviewedAlert[];
  /** Those of the last day, whether somebody was told of them or not. */
  lastDay: PreviewedAlert[];
  /** Not everything of the day was looked at. */
  truncated: boolean;
}

/** A silence to be made, or with the id of one to be changed. */
export type PostedSilence = Omit<Silence, 'id' | 'status' | 'updatedAt'> & { id?: string };

export type HistoryState = 'inactive' | 'pending' | 'firing';

/** An alert went from one state to another. */
export interface HistoryEvent {
  /** RFC 3339. */
  time: string;
  labels: Labels;
  from: HistoryState;
  to: HistoryState;
  value: string;
  annotations: Labels;
  rule: { file: string; group: string; name: string };
}

export interface AlertHistory {
  /** The newest first. */
  events: HistoryEvent[];
  /** There may be older ones that were not sent. */
  truncated: boolean;
  /** Asks for those. */
  nextToken?: string;
}

export type NotificationStatus = 'sent' | 'failed' | 'skipped';

/** Whether a message was about alerts, or somebody tried a receiver. */
export type NotificationKind = 'alert' | 'test';

/** A message that was sent, tried, or left out. */
export interface Notification {
  /** RFC 3339. */
  time: string;
  kind: NotificationKind;
  /** The address from which a test was asked for; else empty. */
  askedBy: string;
  receiver: string;
  /** `slack[0]` */
  integration: string;
  groupKey: string;
  groupLabels: Labels;
  /** Why it was sent, or left out. */
  reason: string;
  status: NotificationStatus;
  attempts: number;
  error: string;
  alerts: { fingerprint: string; status: string; labels: Labels }[];
  /** How many alerts the message was about beside those. */
  moreAlerts?: number;
  url: string;
  /** What was sent. */
  body: string;
}

export interface Notifications {
  /** The newest first. */
  notifications: Notification[];
  /** Asks for older ones; missing if there are none. There may be none in spite of it. */
  nextToken?: string;
}

/** A place of the routing tree at which an alert ends. */
export interface RouteMatch {
  id: string;
  /** The matchers on the way from the root. */
  path: string[];
  receiver: string;
  integrations: string[];
  groupKey: string;
  groupBy: string[];
  groupWait: string;
  groupInterval: string;
  repeatInterval: string;
  mutedBy: string[];
  continue: boolean;
}

/** Who would be told about an alert, and what keeps them from being told. */
export interface RouteAnswer {
  labels: Labels;
  routes: RouteMatch[];
  silencedBy: { id: string; comment: string; endsAt: string }[];
  inhibitedBy: { fingerprint: string; labels: Labels }[];
}

/** A node of the routing tree, with what it inherits filled in. */
export interface RouteNode {
  id: string;
  matchers: string[];
  receiver: string;
  continue: boolean;
  groupBy: string[];
  groupWait: string;
  groupInterval: string;
  repeatInterval: string;
  muteTimeIntervals: string[];
  activeTimeIntervals: string[];
  routes: RouteNode[];
}

export interface InhibitRule {
  sourceMatchers: string[];
  targetMatchers: string[];
  equal: string[];
  /** Whether the server brought it, and no configuration. */
  builtIn: boolean;
}

export interface RouteTree extends RouteNode {
  /** Their text by name. */
  timeIntervals: Record<string, string>;
  inhibitRules: InhibitRule[];
}

export interface Integration {
  type: string;
  index: number;
  /** Whether this server can send by it. */
  supported: boolean;
  sendResolved: boolean;
  /** RFC 3339. */
  lastSuccess: string | null;
  lastFailure: string | null;
  lastError: string;
  sent: number;
  failed: number;
  /** `open` while it is left alone after many failures. */
  circuit: 'closed' | 'open';
}

export interface Receiver {
  name: string;
  integrations: Integration[];
}

export interface TestResult {
  integration: string;
  status: 'ok' | 'error';
  error: string;
  durationMs: number;
}

export interface SloAlert {
  name: string;
  tier: string;
  /** How fast the budget goes that it watches for; empty for an alert that tells that nothing is measured. */
  burn: string;
  /** How many times faster than allowed the budget has to go within all of the windows, the longest first. */
  factor: number | null;
  windows: string[];
  state: string;
}

export interface Slo {
  id: string;
  name: string;
  service: string;
  description: string;
  /** The ratio that shall be good. */
  objective: number;
  /** A duration such as `30d`. */
  window: string;
  labels: Labels;
  /** Events in the window; null while nothing is known. */
  good: number | null;
  bad: number | null;
  total: number | null;
  budget: {
    /** The part that is left: 1 untouched, below 0 overspent. */
    remaining: number | null;
    remainingMinutes: number | null;
    /** RFC 3339: when it runs out if things go on like this. */
    exhaustedAt: string | null;
  };
  /** How many times faster than allowed the budget is spent, by window. */
  burn: Record<string, number | null>;
  alerts: SloAlert[];
  /** `file:line` */
  source: string;
}

export interface SloDetails extends Slo {
  /** The generated rules, as the text of a rule file. */
  rules: string;
}

/** A point as the API writes them: seconds and a number as text. */
export type TextPoint = readonly [time: number, value: string];

export interface SloBudget {
  points: TextPoint[];
  /** By window: an hour, and the longest one of each alert. */
  burn: Record<string, TextPoint[]>;
}
