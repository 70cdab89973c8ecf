import { type Unit, unitOfName } from '../format/value';
import { divides, functionNames, metricNames } from './names';

/** Functions after which the numbers are counts or truths, whatever was counted. */
const COUNTING = [
  'count',
  'count_over_time',
  'count_values',
  'absent',
  'absent_over_time',
  'changes',
  'resets',
  'group',
];
const PER_SECOND = ['rate', 'irate', 'deriv'];

/** The unit of an expression's result as far as names and functions promise it; plain numbers where they do not. */
export function unitOfExpression(expression: string): Unit {
  const names = metricNames(expression);
  const functions = functionNames(expression);
  if (names.length === 0 || COUNTING.some((name) => functions.has(name))) return 'short';
  if (divides(expression)) return isMean(names) ? unitOfName((names[0] ?? '').replace(/_(sum|count)$/, '')) : 'short';
  const units = new Set(names.map(unitOfName));
  const [unit = 'short'] = units;
  if (units.size > 1) return 'short';
  const buckets = names.every((name) => name.endsWith('_bucket'));
  if (buckets) return functions.has('histogram_quantile') ? unit : 'short';
  // Seconds per second are a share of time, not a time.
  if (unit === 'seconds' && PER_SECOND.some((name) => functions.has(name))) return 'short';
  return unit;
}

/** `x_sum` over `x_count` of one histogram or summary is the mean of `x`. */
function isMean(names: readonly string[]): boolean {
  const [sum, count] = names;
  return names.length === 2 && sum?.endsWith('_sum') === true && count === `${sum.slice(0, -4)}_count`;
}

/** The unit for one axis that shows all the expressions. */
export function commonUnit(expressions: readonly string[]): Unit {
  const [unit, ...others] = new Set(expressions.map(unitOfExpression));
  return unit === undefined || others.length > 0 ? 'short' : unit;
}
