import { Button } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { ApiError, errorText, errorTitle } from '../api/error';
import classes from './states.module.css';

/** A failure at the place where it happened: plain words, the server's text, the request's id, and another try. */
export function ErrorCard({ error, title, onRetry }: { error: unknown; title?: string; onRetry?: () => void }) {
  const requestId = error instanceof ApiError ? error.requestId : undefined;
  return (
    <div className={classes.card} role="alert">
      <IconAlertTriangle className={classes.icon} size={18} aria-hidden="true" />
      <div className={classes.body}>
        <p className={classes.title}>{title ?? errorTitle(error)}</p>
        <p className={classes.detail}>{errorText(error)}</p>
        {requestId !== undefined && <p className={classes.request}>Request {requestId}</p>}
      </div>
      {onRetry !== undefined && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}
