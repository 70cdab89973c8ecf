import { Button } from '@mantine/core';
import { IconMapPinOff } from '@tabler/icons-react';
import { useGo } from '../nav/links';
import { EmptyState } from '../states/EmptyState';
import { PageHeader } from './PageHeader';

export function NotFound() {
  const go = useGo();
  return (
    <>
      <PageHeader title="No such page" />
      <EmptyState
        icon={IconMapPinOff}
        title="There is nothing at this address"
        action={
          <Button variant="filled" onClick={() => go({ to: '/' })}>
            Go to Home
          </Button>
        }
      >
        The link may be from another version of Bellwether, or it was cut off on the way.
      </EmptyState>
    </>
  );
}
