import { expect, test } from 'vitest';
import { errorSpan } from './position';

function check(message: string, expression: string, underlined: string | undefined, at?: number) {
  test(`${message} in ${JSON.stringify(expression)}`, () => {
    const span = errorSpan(message, expression);
    expect(span && expression.slice(span.from, span.to)).toBe(underlined);
    if (at !== undefined) expect(span?.from).toBe(at);
  });
}

check('1:5: parse error: unexpected identifier "foo"', 'sum foo', 'foo', 4);
check('invalid parameter "query": 1:5: parse error: unexpected', 'sum foo', 'foo');
check('2:3: parse error: unexpected ")"', 'sum(\n  )', ')', 7);
check('1:4: parse error: unclosed left parenthesis', 'sum(', '(');
check('1:10: parse error: unexpected end of input', 'rate(x   ', 'x');
// The server counts bytes: "ü" is two of them, the emoji four.
check('1:14: parse error: bad', '{a="ü😀"} b', 'b', 10);
check('execution failed', 'up', undefined);
check('7:1: parse error: x', 'up', undefined);

test('the place is not part of the message', () => {
  expect(errorSpan('1:1: parse error: no', 'x')?.message).toBe('parse error: no');
});
