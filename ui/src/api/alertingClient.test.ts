import { expect, test, vi } from 'vitest';
import { alerting } from './alertingClient';

test('the history is read on where an answer holds a part of it', async () => {
  const asked: (string | null)[] = [];
  vi.stubGlobal('fetch', async (input: string) => {
    const token = new URL(input, 'http://server').searchParams.get('next_token');
    asked.push(token);
    const data = token === null ? { events: [{ value: '2' }], nextToken: 'x y' } : { events: [{ value: '1' }] };
    return Response.json({ status: 'success', data });
  });
  const { events, truncated } = await alerting.history({ start: 0, end: 1000 });
  expect(events.map(({ value }) => value)).toEqual(['2', '1']);
  expect(truncated).toBe(false);
  expect(asked).toEqual([null, 'x y']);
});

test('a history without an end is given up, and said to be cut', async () => {
  const ask = vi.fn(async () => Response.json({ status: 'success', data: { events: [], nextToken: 'on' } }));
  vi.stubGlobal('fetch', ask);
  expect(await alerting.history({ start: 0, end: 1000 })).toEqual({ events: [], truncated: true });
  expect(ask).toHaveBeenCalledTimes(10);
});
