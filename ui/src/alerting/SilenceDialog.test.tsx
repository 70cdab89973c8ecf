import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { openPage } from '../test-app';

test('times that the server does not understand are told at their field, until they are changed', async () => {
  const refusal = 'silence invalid: times at which the silence holds: times:1:14: someday is not a valid weekday';
  const sent: string[] = [];
  await openPage('/silences?new={alertname="A"}', (path, _params, body) => {
    if (path === 'v1/silences/preview') return { now: [], lastDay: [], truncated: false };
    if (path !== 'v2/silences') return undefined;
    if (body === undefined) return [];
    sent.push((JSON.parse(body) as { recurs: string }).recurs);
    return Response.json(refusal, { status: 400 });
  });
  const user = userEvent.setup();
  const times = await screen.findByLabelText<HTMLInputElement>(/Only at these times/, {}, { timeout: 20_000 });
  await user.click(screen.getByText('Not always, or not for everything'));
  await user.click(times);
  await user.paste('[{weekdays: [someday]}]');
  await user.type(screen.getByLabelText('Who are you'), 'ada');
  await user.type(screen.getByLabelText('Why'), 'upgrade');
  await user.click(screen.getByRole('button', { name: 'Silence' }));
  const why = await screen.findByText('at character 14: someday is not a valid weekday');
  await waitFor(() => expect(times.getAttribute('aria-describedby')).toContain(why.id));
  expect(times.getAttribute('aria-invalid')).toBe('true');
  expect(screen.queryByText('The silence was not made')).toBeNull();
  expect(sent).toEqual(['[{weekdays: [someday]}]']);
  await user.type(times, ' ');
  await waitFor(() => expect(times.getAttribute('aria-invalid')).toBeNull());
}, 30_000);
