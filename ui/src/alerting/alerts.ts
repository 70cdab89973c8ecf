import type { RouterAlert, RuleAlert } from '../api/alerting';
import { parseNumber } from '../api/query';
import { type Labels, selector } from '../labels/labels';

export type AlertState = 'firing' | 'pending' | 'suppressed';

export const ALERT_STATES: readonly AlertState[] = ['firing', 'pending', 'suppressed'];

/** An alert as the rules and the router know it together. */
export interface Alert {
  /** Its labels as text. */
  key: string;
  /** The labels under which its past is kept: those that its rule gave it, without external ones. */
  pastKey: string;
  labels: Labels;
  annotations: Labels;
  state: AlertState;
  /** The value of the expression; undefined for an alert that came from outside. */
  value: number | undefined;
  /** Milliseconds since 1970. */
  sinceMs: number;
  /** Undefined while it waits, and where there is no router. */
  router: RouterAlert | undefined;
}

/**
 * Joins what the rules say with what the router has. The router may know an alert of a rule with more labels, the
 * external ones; then its labels count, since silences and routes are about those.
 */
export function joinAlerts(ofRules: readonly RuleAlert[], ofRouter: readonly RouterAlert[]): Alert[] {
  const byName = grouped(ofRouter, ({ labels }) => labels.alertname ?? '');
  const exact = new Map(ofRouter.map((alert) => [selector(alert.labels), alert]));
  /** By the names of labels: the alerts that have those, by their values. With external labels, every alert comes here. */
  const byValues = new Map<string, Map<string, RouterAlert[]>>();
  const used = new Set<RouterAlert>();
  const joined = ofRules.map((rule): Alert => {
    const router = rule.state === 'firing' ? find(rule.labels) : undefined;
    if (router !== undefined) used.add(router);
    const labels = router?.labels ?? rule.labels;
    return {
      key: selector(labels),
      pastKey: selector(rule.labels),
      labels,
      annotations: rule.annotations,
      state: router === undefined ? rule.state : stateOf(router),
      value: parseNumber(rule.value),
      sinceMs: Date.parse(rule.activeAt),
      router,
    };
  });

  function find(labels: Labels): RouterAlert | undefined {
    const same = exact.get(selector(labels));
    if (same !== undefined) return same;
    const more = withLabels(labels).filter((alert) => !used.has(alert));
    return more.toSorted((a, b) => Object.keys(a.labels).length - Object.keys(b.labels).length)[0];
  }

  /** The alerts that have all of these labels and perhaps more. */
  function withLabels(labels: Labels): RouterAlert[] {
    const names = Object.keys(labels).sort();
    const key = JSON.stringify([labels.alertname, names]);
    const index =
      byValues.get(key) ?? grouped(byName.get(labels.alertname ?? '') ?? [], (alert) => valuesOf(alert.labels, names));
    byValues.set(key, index);
    return index.get(valuesOf(labels, names)) ?? [];
  }

  const others = ofRouter.filter((alert) => !used.has(alert)).map(fromRouter);
  return [...joined, ...others];
}

/** A list by what `keyOf` says of each, in the order in which that comes first. */
export function grouped<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}

const valuesOf = (labels: Labels, names: readonly string[]) => JSON.stringify(names.map((name) => labels[name]));

/** An alert of which only the router knows. */
export function fromRouter(alert: RouterAlert): Alert {
  return {
    key: selector(alert.labels),
    pastKey: selector(alert.labels),
    labels: alert.labels,
    annotations: alert.annotations,
    state: stateOf(alert),
    value: undefined,
    sinceMs: Date.parse(alert.startsAt),
    router: alert,
  };
}

const stateOf = ({ status }: RouterAlert): AlertState => (status.state === 'suppressed' ? 'suppressed' : 'firing');

/** Whether the routes of an alert lead to a receiver. */
export function isTold(receiver: string, { router }: Alert): boolean {
  return router?.receivers.some(({ name }) => name === receiver) === true;
}

/** Alerts that agree in the labels by which they are grouped. */
export interface AlertGroup {
  key: string;
  labels: Labels;
  /** Firing before pending before suppressed, the newest first. */
  alerts: Alert[];
}

/** Alerts by the values of labels. Groups with something that fires come first, larger ones before smaller ones. */
export function groupAlerts(alerts: readonly Alert[], by: readonly string[]): AlertGroup[] {
  const groups = new Map<string, AlertGroup>();
  for (const alert of alerts) {
    const labels = Object.fromEntries(by.map((name) => [name, alert.labels[name] ?? '']));
    const key = selector(labels);
    const group = groups.get(key) ?? { key, labels, alerts: [] };
    group.alerts.push(alert);
    groups.set(key, group);
  }
  for (const group of groups.values()) {
    group.alerts.sort((a, b) => rank(a.state) - rank(b.state) || b.sinceMs - a.sinceMs || (a.key < b.key ? -1 : 1));
  }
  const worst = ({ alerts: [first] }: AlertGroup) => (first === undefined ? ALERT_STATES.length : rank(first.state));
  return [...groups.values()].sort(
    (a, b) => worst(a) - worst(b) || b.alerts.length - a.alerts.length || (a.key < b.key ? -1 : 1),
  );
}

const rank = (state: AlertState) => ALERT_STATES.indexOf(state);

/** How many alerts are in each state. */
export function countStates(alerts: readonly Alert[]): Record<AlertState, number> {
  const counts = { firing: 0, pending: 0, suppressed: 0 };
  for (const { state } of alerts) counts[state]++;
  return counts;
}

/** The names of all labels, those of most alerts first. */
export function labelNames(alerts: readonly Alert[]): string[] {
  const counts = new Map<string, number>();
  for (const { labels } of alerts) {
    for (const name of Object.keys(labels)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([name]) => name);
}

/** What people are told first: the summary, else the description. */
export function summaryOf(annotations: Labels): string {
  return annotations.summary ?? annotations.description ?? annotations.message ?? '';
}
