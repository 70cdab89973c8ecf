import { beforeEach, expect, test } from 'vitest';
import { forgetQueries, forgetQuery, queryHistory, rememberQuery } from './history';

beforeEach(() => window.localStorage.clear());

test('the latest comes first, each expression once', () => {
  rememberQuery(' up ', 1);
  rememberQuery('down', 2);
  rememberQuery('up', 3);
  rememberQuery('  ', 4);
  expect(queryHistory()).toEqual([
    { text: 'up', at: 3 },
    { text: 'down', at: 2 },
  ]);
  forgetQuery('up');
  expect(queryHistory()).toEqual([{ text: 'down', at: 2 }]);
  forgetQueries();
  expect(queryHistory()).toEqual([]);
});

test('what an earlier version or a stranger stored does no harm', () => {
  const store = (value: string) => window.localStorage.setItem('bellwether.queries', value);
  store(JSON.stringify(['up', 7, null, { text: 1 }, { text: 'x', at: 'y' }]));
  expect(queryHistory()).toEqual([
    { text: 'up', at: undefined },
    { text: 'x', at: undefined },
  ]);
  store('{"a":');
  expect(queryHistory()).toEqual([]);
});
