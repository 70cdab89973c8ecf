import { codec, oneOf, text, written } from './codec';

/** Names of labels, `a,b`. No name at all is `by=`. */
const names = (initial: readonly string[]) =>
  written<readonly string[]>(
    initial,
    (value) => (value === '' ? [] : value.split(',').map((name) => name.replace(/%(25|2C)/g, decodeURIComponent))),
    (value) => value.map((name) => name.replace(/[%,]/g, encodeURIComponent)).join(','),
  );

export const alertsCodec = codec({
  /** Words, or matchers. */
  f: text(),
  state: oneOf(['all', 'firing', 'pending', 'suppressed']),
  /** Who is told of them; everybody if empty. */
  receiver: text(),
  /** The labels by which alerts are grouped. */
  by: names(['alertname']),
  view: oneOf(['list', 'matrix']),
  /** The labels of the matrix; those that fit best if empty. */
  rows: text(),
  cols: text(),
  /** The alert whose details are open: its labels as text. */
  open: text(),
});

/** How rules are told apart in their list. */
export const RULE_STATES = ['firing', 'pending', 'inactive', 'failing'] as const;

export type RuleState = (typeof RULE_STATES)[number];

export const RULE_KINDS = ['all', 'alerting', 'recording'] as const;

export const rulesCodec = codec({
  f: text(),
  state: oneOf(['all', ...RULE_STATES]),
  kind: oneOf(RULE_KINDS),
});

export const ruleCodec = codec({
  /** Tell rules of the same name apart. */
  file: text(),
  group: text(),
  /** Of the test on past data, where they differ from the rule's own: `for`, and the bound of the comparison. */
  for: text(),
  bound: text(),
});

export const SILENCE_STATES = ['active', 'pending', 'expired'] as const;

export const silencesCodec = codec({
  state: oneOf(SILENCE_STATES),
  f: text(),
  /** The silence whose details are open. */
  open: text(),
  /** Matchers of a silence to be written: `new={alertname="X"}`. */
  new: text(),
});

export const routingCodec = codec({
  /** Labels to try: `{alertname="X"}`. */
  labels: text(),
});

export const NOTIFICATION_STATUSES = ['all', 'sent', 'failed', 'skipped'] as const;

export const NOTIFICATION_KINDS = ['all', 'alert', 'test'] as const;

export const notificationsCodec = codec({
  f: text(),
  receiver: text(),
  status: oneOf(NOTIFICATION_STATUSES),
  kind: oneOf(NOTIFICATION_KINDS),
  /** The notification whose details are open. */
  open: text(),
});

export const SLO_SORTS = ['budget', 'burn', 'name'] as const;

export const slosCodec = codec({
  f: text(),
  /** The worst first, by the budget that is left or by how fast it goes; or by name. */
  sort: oneOf(SLO_SORTS),
});

export const receiversCodec = codec({
  f: text(),
});
