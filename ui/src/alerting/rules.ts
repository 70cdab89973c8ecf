import type { Rule, RuleGroup } from '../api/alerting';
import type { Ast } from '../api/ast';
import type { Labels } from '../labels/labels';
import type { RuleState } from '../url/alerting';

/** A rule with the group that it is evaluated in. */
export interface RuleInGroup {
  group: RuleGroup;
  rule: Rule;
}

/** What a rule is found by in lists: alerting rules by the state of their alerts, all by whether they fail. */
export function ruleState(rule: Rule): RuleState {
  if (rule.health === 'err') return 'failing';
  if (rule.type === 'recording') return 'inactive';
  return rule.state === 'unknown' ? 'inactive' : rule.state;
}

/** The rules of a name; file and group tell those apart that share it, and may be empty. */
export function rulesNamed(groups: readonly RuleGroup[], name: string, file: string, group: string): RuleInGroup[] {
  return groups
    .filter((one) => (file === '' || one.file === file) && (group === '' || one.name === group))
    .flatMap((one) => one.rules.filter((rule) => rule.name === name).map((rule) => ({ group: one, rule })));
}

/** The alerting rule that makes alerts with these labels: of several of the name, the one whose own labels they have. */
export function ruleBehind(labels: Labels, groups: readonly RuleGroup[]): RuleInGroup | undefined {
  const named = rulesNamed(groups, labels.alertname ?? '', '', '').filter(({ rule }) => rule.type === 'alerting');
  // What a template makes of a label is not known here.
  const agrees = ([name, value]: [string, string]) => value.includes('{{') || labels[name] === value;
  return named.find(({ rule }) => Object.entries(rule.labels ?? {}).every(agrees)) ?? named[0];
}

/** `rules.yml` of `/etc/bellwether/rules.yml`. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The moment of the last evaluation in milliseconds; undefined before the first. */
export function evaluatedMs(lastEvaluation: string): number | undefined {
  const ms = Date.parse(lastEvaluation);
  return ms > 0 ? ms : undefined;
}

const COMPARISONS = ['>', '<', '>=', '<=', '==', '!='];

/** An expression that compares something with a number: what is compared, how, and with what. */
export interface Comparison {
  /** What stands on the left. */
  measured: Ast;
  op: string;
  bound: number;
}

/** The comparison that an expression ends in; undefined if it is something else, or compares with more than a number. */
export function comparisonOf(ast: Ast): Comparison | undefined {
  if (ast.type === 'parenExpr') return comparisonOf(ast.expr);
  if (ast.type !== 'binaryExpr' || ast.bool || !COMPARISONS.includes(ast.op)) return undefined;
  const bound = numberOf(ast.rhs);
  return bound === undefined ? undefined : { measured: ast.lhs, op: ast.op, bound };
}

function numberOf(ast: Ast): number | undefined {
  if (ast.type === 'parenExpr') return numberOf(ast.expr);
  if (ast.type === 'unaryExpr') {
    const value = numberOf(ast.expr);
    return value === undefined || ast.op !== '-' ? value : -value;
  }
  if (ast.type !== 'numberLiteral') return undefined;
  const value = Number(ast.val);
  return Number.isFinite(value) ? value : undefined;
}

/** The rules whose expressions ask for one of the metrics, each once by name and group. */
export function rulesAsking(groups: readonly RuleGroup[], metrics: ReadonlySet<string>): RuleInGroup[] {
  const asks = ({ query }: Rule) => (query.match(METRIC_NAMES) ?? []).some((name) => metrics.has(name));
  return groups.flatMap((group) => group.rules.filter(asks).map((rule) => ({ group, rule })));
}

/** What can be the name of a metric in an expression; names of labels and functions are among them. */
const METRIC_NAMES = /[a-zA-Z_:][a-zA-Z0-9_:]*/g;
