import { Button, Loader } from '@mantine/core';
import { IconPlayerStop } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import classes from './explore.module.css';
import { type QueryProgress, resultLine } from './progress';

/** From here on a query is slow enough to say so. */
const SLOW_MS = 1000;

interface QueryStatusProps {
  progress: QueryProgress | undefined;
  /** The text is not what was run. */
  edited: boolean;
  onCancel(): void;
}

/** The line below a query: running, how long, cancelled, or what came back. */
export function QueryStatus({ progress, edited, onCancel }: QueryStatusProps) {
  const text = edited ? 'Not run yet. Ctrl+Enter runs it.' : '';
  if (progress === undefined) return <p className={classes.status}>{text}</p>;
  if (progress.loading) return <Running key={progress.expression} onCancel={onCancel} />;
  if (progress.error !== undefined && !edited) return null;
  if (progress.cancelled) return <p className={classes.status}>Cancelled. Ctrl+Enter runs it again.</p>;
  return (
    <p className={classes.status} role="status">
      {text || resultLine(progress)}
    </p>
  );
}

function Running({ onCancel }: { onCancel: () => void }) {
  const [elapsed, setElapsed] = useState(0);
  useEffect(() => {
    const start = performance.now();
    const timer = setInterval(() => setElapsed(performance.now() - start), 100);
    return () => clearInterval(timer);
  }, []);
  if (elapsed < SLOW_MS) return <p className={classes.status}>Running</p>;
  return (
    <p className={classes.status}>
      <Loader size={12} /> Running for <span className="bw-number">{(elapsed / 1000).toFixed(1)} s</span>
      <Button size="compact-xs" leftSection={<IconPlayerStop size={12} />} onClick={onCancel}>
        Cancel
      </Button>
    </p>
  );
}
