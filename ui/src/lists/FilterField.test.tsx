import { MantineProvider } from '@mantine/core';
import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FilterField } from './FilterField';

beforeEach(() => void vi.useFakeTimers({ shouldAdvanceTime: true }));
afterEach(() => void vi.useRealTimers());

/** Like the URL: takes a while until a new value comes back. */
function Late({ onValue }: { onValue(value: string): void }) {
  const [value, setValue] = useState('start');
  const late = (next: string) => {
    onValue(next);
    setTimeout(() => setValue(next), 50);
  };
  return (
    <MantineProvider>
      <FilterField label="Filter" value={value} onChange={late} />
      <button type="button" onClick={() => setValue('from outside')}>
        outside
      </button>
    </MantineProvider>
  );
}

const pause = () => act(() => vi.advanceTimersByTimeAsync(300));

test('no key is lost while the value comes back late, and only pauses are reported', async () => {
  const seen: string[] = [];
  const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
  render(<Late onValue={(value) => seen.push(value)} />);
  const field = screen.getByLabelText<HTMLInputElement>('Filter');
  await user.clear(field);
  await user.type(field, 'node');
  expect(field.value).toBe('node');
  await pause();
  expect(seen).toEqual(['node']);
  expect(field.value).toBe('node');
});

test('a value from outside is taken over; Escape clears', async () => {
  const seen: string[] = [];
  const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
  render(<Late onValue={(value) => seen.push(value)} />);
  const field = screen.getByLabelText<HTMLInputElement>('Filter');
  await user.click(screen.getByText('outside'));
  expect(field.value).toBe('from outside');
  await user.type(field, '{Escape}');
  await pause();
  expect(seen).toEqual(['']);
  expect(field.value).toBe('');
});
