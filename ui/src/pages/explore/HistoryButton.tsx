import { Button } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';

const History = lazy(async () => ({ default: (await import('./HistoryDialog')).HistoryDialog }));

interface HistoryButtonProps {
  onRun(expression: string): void;
  onInsert(expression: string): void;
}

/** Leads to the expressions that were run in this browser before. */
export function HistoryButton(props: HistoryButtonProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button leftSection={<IconHistory size={14} aria-hidden="true" />} onClick={() => setOpen(true)}>
        History
      </Button>
      {open && (
        <Suspense>
          <History {...props} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
