import { render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { Findings } from './Findings';

test('a finding tells how bad it is, its rule, its place, what is wrong and what to do', () => {
  const level = 'warning';
  render(
    <Findings
      findings={[
        { rule: 'for-missing', level, place: 'a.yml:3:5', message: 'it fires at once', remedy: 'give `for`' },
        { rule: 'label-none', level: 'info', message: 'no label', remedy: '' },
      ]}
    />,
  );
  expect(screen.getAllByRole('listitem').map(({ textContent }) => textContent)).toEqual([
    'warningfor-missinga.yml:3:5it fires at once; give `for`',
    'infolabel-noneno label',
  ]);
});
