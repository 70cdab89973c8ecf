import { Button } from '@mantine/core';
import { IconFilterOff } from '@tabler/icons-react';
import { plural } from '../format/value';
import { EmptyState } from '../states/EmptyState';

interface FilteredOutProps {
  /** One of those that are listed, in a word. */
  what: string;
  /** How many there are. */
  total: number;
  onClear(): void;
}

/** In the place of a list of which the filter hides everything. */
export function FilteredOut({ what, total, onClear }: FilteredOutProps) {
  return (
    <EmptyState
      icon={IconFilterOff}
      title={`No ${what} passes the filter`}
      action={<Button onClick={onClear}>Clear the filter</Button>}
    >
      {total === 1 ? 'The only one is hidden by it.' : `All of ${plural(total, what)} are hidden by it.`}
    </EmptyState>
  );
}
