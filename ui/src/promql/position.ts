/** Where in an expression the server found a mistake. */
export interface ErrorSpan {
  from: number;
  to: number;
  message: string;
}

/**
 * Finds the place that a message of the server names (`2:14: parse error: unexpected ...`) in the expression. Columns
 * count bytes from one, as the server sees the text; the editor counts UTF-16 units from zero.
 */
export function errorSpan(message: string, expression: string): ErrorSpan | undefined {
  const match = /(?:^|[\s:])(\d+):(\d+): (.*)$/s.exec(message);
  if (match === null) return undefined;
  const [, line, column, text = ''] = match;
  const start = offsetOf(expression, Number(line), Number(column));
  return start === undefined ? undefined : { ...wordAt(expression, start), message: text };
}

function offsetOf(expression: string, line: number, column: number): number | undefined {
  const lines = expression.split('\n');
  const own = lines[line - 1];
  if (own === undefined || column < 1) return undefined;
  const before = lines.slice(0, line - 1).reduce((sum, earlier) => sum + earlier.length + 1, 0);
  let bytes = 1;
  let units = 0;
  const encoder = new TextEncoder();
  for (const char of own) {
    if (bytes >= column) break;
    bytes += encoder.encode(char).length;
    units += char.length;
  }
  return before + units;
}

/** The word or sign at a place; at the end of the text, its last sign, since there is nothing else to underline. */
function wordAt(expression: string, start: number): { from: number; to: number } {
  const rest = expression.slice(start);
  const word = /^[\w:.]+/.exec(rest)?.[0] ?? /^\S/u.exec(rest)?.[0];
  if (word !== undefined) return { from: start, to: start + word.length };
  const last = expression.slice(0, start).trimEnd().length;
  return { from: Math.max(0, last - 1), to: last };
}
