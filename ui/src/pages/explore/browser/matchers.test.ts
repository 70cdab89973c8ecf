import { expect, test } from 'vitest';
import { pickedSelector, togglePicked } from './matchers';

test('picked values become a selector', () => {
  let picked = togglePicked({}, 'job', 'a');
  expect(pickedSelector('up', picked)).toBe('up{job="a"}');
  picked = togglePicked(picked, 'job', 'b.c|"d"');
  expect(pickedSelector('up', picked)).toBe('up{job=~"a|b\\\\.c\\\\|\\"d\\""}');
  picked = togglePicked(picked, 'x.y', '1');
  expect(pickedSelector('my.metric', picked, 'job')).toBe('{"my.metric", "x.y"="1"}');
  picked = togglePicked(togglePicked(picked, 'job', 'a'), 'job', 'b.c|"d"');
  expect(picked).toEqual({ 'x.y': ['1'] });
  expect(pickedSelector('up', {})).toBe('up');
});
