import type { Ast, Matching, Selector, Shift, ValueType } from '../api/ast';
import { escapeValue, quoteName } from '../labels/labels';
import { formatDuration } from '../time/duration';

const PLAIN_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** The expression of a part of a query, as it would be typed. */
export function printAst(ast: Ast): string {
  switch (ast.type) {
    case 'numberLiteral':
      return ast.val;
    case 'stringLiteral':
      return quote(ast.val);
    case 'parenExpr':
      return `(${printAst(ast.expr)})`;
    case 'unaryExpr':
      return `${ast.op}${printAst(ast.expr)}`;
    case 'binaryExpr':
      return `${printAst(ast.lhs)} ${headOf(ast)} ${printAst(ast.rhs)}`;
    case 'aggregation': {
      const args = ast.param === null ? [ast.expr] : [ast.param, ast.expr];
      return `${headOf(ast)} (${args.map(printAst).join(', ')})`;
    }
    case 'call':
      return `${ast.func.name}(${ast.args.map(printAst).join(', ')})`;
    case 'vectorSelector':
      return `${printSelector(ast)}${printMode(ast)}${printShift(ast)}`;
    case 'matrixSelector':
      return `${printSelector(ast)}[${formatDuration(ast.range)}]${printMode(ast)}${printShift(ast)}`;
    case 'subquery': {
      const step = ast.step > 0 ? formatDuration(ast.step) : '';
      return `${printAst(ast.expr)}[${formatDuration(ast.range)}:${step}]${printShift(ast)}`;
    }
  }
}

/** What a node itself does, without what it does it to. */
export function headOf(ast: Ast): string {
  switch (ast.type) {
    case 'parenExpr':
      return '( )';
    case 'unaryExpr':
      return ast.op;
    case 'binaryExpr':
      return `${ast.op}${ast.bool ? ' bool' : ''}${ast.matching === null ? '' : printMatching(ast.matching)}`;
    case 'aggregation':
      if (ast.without) return `${ast.op} without (${names(ast.grouping)})`;
      return ast.grouping.length === 0 ? ast.op : `${ast.op} by (${names(ast.grouping)})`;
    case 'call':
      return `${ast.func.name}()`;
    case 'subquery':
      return `[${formatDuration(ast.range)}:${ast.step > 0 ? formatDuration(ast.step) : ''}]${printShift(ast)}`;
    default:
      return printAst(ast);
  }
}

function printSelector({ name, matchers }: Selector): string {
  const plain = PLAIN_METRIC.test(name);
  const own = matchers.filter((matcher) => !(plain && matcher.name === '__name__' && matcher.type === '='));
  const inside = own.map((matcher) => `${quoteName(matcher.name)}${matcher.type}${quote(matcher.value)}`);
  return `${plain ? name : ''}${inside.length === 0 && plain ? '' : `{${inside.join(', ')}}`}`;
}

function printMode({ anchored, smoothed }: Selector): string {
  return anchored ? ' anchored' : smoothed ? ' smoothed' : '';
}

function printShift({ offset, timestamp, startOrEnd }: Shift): string {
  const at =
    startOrEnd !== null ? ` @ ${startOrEnd}()` : timestamp !== null ? ` @ ${(timestamp / 1000).toFixed(3)}` : '';
  return `${at}${offset === 0 ? '' : ` offset ${formatDuration(offset)}`}`;
}

function printMatching({ card, labels, on, include, fillValues }: Matching): string {
  let text = on || labels.length > 0 ? ` ${on ? 'on' : 'ignoring'} (${names(labels)})` : '';
  if (card === 'many-to-one') text += ` group_left (${names(include)})`;
  if (card === 'one-to-many') text += ` group_right (${names(include)})`;
  const { lhs, rhs } = fillValues ?? { lhs: null, rhs: null };
  if (lhs !== null && lhs === rhs) return `${text} fill (${lhs})`;
  if (lhs !== null) text += ` fill_left (${lhs})`;
  if (rhs !== null) text += ` fill_right (${rhs})`;
  return text;
}

const quote = (text: string) => `"${escapeValue(text)}"`;
const names = (labels: readonly string[]) => labels.map(quoteName).join(', ');

/** The parts of a node, in the order in which they are written. */
export function partsOf(ast: Ast): readonly Ast[] {
  switch (ast.type) {
    case 'parenExpr':
    case 'unaryExpr':
    case 'subquery':
      return [ast.expr];
    case 'binaryExpr':
      return [ast.lhs, ast.rhs];
    case 'aggregation':
      return ast.param === null ? [ast.expr] : [ast.param, ast.expr];
    case 'call':
      return ast.args;
    default:
      return [];
  }
}

export function countNodes(ast: Ast): number {
  return partsOf(ast).reduce((sum, part) => sum + countNodes(part), 1);
}

/** The kind of a node's result. */
export function typeOf(ast: Ast): ValueType {
  switch (ast.type) {
    case 'numberLiteral':
      return 'scalar';
    case 'stringLiteral':
      return 'string';
    case 'parenExpr':
    case 'unaryExpr':
      return typeOf(ast.expr);
    case 'binaryExpr':
      return typeOf(ast.lhs) === 'scalar' && typeOf(ast.rhs) === 'scalar' ? 'scalar' : 'vector';
    case 'call':
      return ast.func.returnType;
    case 'aggregation':
    case 'vectorSelector':
      return 'vector';
    case 'matrixSelector':
    case 'subquery':
      return 'matrix';
  }
}

/** What to ask to learn how much a node gives: series, samples, or its one value. Undefined where nothing is to learn. */
export interface Counting {
  series?: string;
  samples?: string;
  value?: string;
}

export function countingOf(ast: Ast): Counting | undefined {
  if (!isPlain(ast)) return undefined;
  const text = printAst(ast);
  switch (typeOf(ast)) {
    case 'vector':
      return { series: `count(${text})` };
    case 'matrix':
      return { series: `count(count_over_time(${text}))`, samples: `sum(count_over_time(${text}))` };
    case 'scalar':
      return ast.type === 'numberLiteral' ? undefined : { value: text };
    default:
      return undefined;
  }
}

/** Whether the tree holds all of the query. It does not tell durations that are calculated, such as `[step()]`. */
function isPlain(ast: Ast): boolean {
  if ((ast.type === 'matrixSelector' || ast.type === 'subquery') && ast.range === 0) return false;
  return partsOf(ast).every(isPlain);
}
