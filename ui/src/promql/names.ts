import { parser } from '@prometheus-io/lezer-promql';

/** The metric names that an expression selects, in the order of their appearance, each once. */
export function metricNames(expression: string): string[] {
  const names = new Set<string>();
  parser.parse(expression).iterate({
    enter: ({ name, node, from, to }) => {
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') names.add(expression.slice(from, to));
    },
  });
  return [...names];
}

/** The functions and aggregations that an expression uses. */
export function functionNames(expression: string): Set<string> {
  const names = new Set<string>();
  parser.parse(expression).iterate({
    enter: ({ name, from, to }) => {
      if (name === 'FunctionIdentifier' || name === 'AggregateOp') names.add(expression.slice(from, to).toLowerCase());
    },
  });
  return names;
}

/** Whether the expression divides somewhere. */
export function divides(expression: string): boolean {
  let found = false;
  parser.parse(expression).iterate({
    enter: ({ name }) => {
      if (name === 'Div') found = true;
    },
  });
  return found;
}

/** Whether the expression is nothing but a selector: a metric, label matchers, or both. */
export function isSelector(expression: string): boolean {
  const top = parser.parse(expression).topNode;
  let child = top.firstChild;
  while (child?.name === 'LineComment') child = child.nextSibling;
  return child?.name === 'VectorSelector' && child.nextSibling === null;
}
