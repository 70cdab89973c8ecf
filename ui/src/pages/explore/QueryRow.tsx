import { ActionIcon, Tooltip, UnstyledButton } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { PrometheusClient } from '@prometheus-io/codemirror-promql/dist/esm/client';
import { IconCopyPlus, IconTerminal2, IconTrash } from '@tabler/icons-react';
import { useMemo } from 'react';
import { ApiError, errorText } from '../../api/error';
import { copyText } from '../../nav/copy';
import { type InsertText, PromqlEditor } from '../../promql/PromqlEditor';
import { errorSpan } from '../../promql/position';
import { ErrorCard } from '../../states/ErrorCard';
import { Notices } from '../../states/Notices';
import type { SeriesStyle } from '../../theme/series';
import type { Draft } from './drafts';
import classes from './explore.module.css';
import type { QueryProgress } from './progress';
import { QueryStatus } from './QueryStatus';

interface QueryRowProps {
  name: string;
  draft: Draft;
  /** How the query that was run from here is doing; undefined if it was not run. */
  progress: QueryProgress | undefined;
  /** What the address holds for this row: what was asked for last. */
  ran: string | undefined;
  client: PrometheusClient;
  only: boolean;
  /** No more queries can be added. */
  full: boolean;
  /** The colours of its lines in the graph. */
  looks: readonly SeriesStyle[];
  /** The request as a command for a shell. */
  curl(): string;
  onDuplicate(): void;
  onFocus(): void;
  onReady(insert: InsertText | undefined): void;
  onEdit(text: string): void;
  onRun(): void;
  onToggle(): void;
  onRemove(): void;
  onCancel(): void;
}

/** One query: switch, editor, and what the server said about it. */
export function QueryRow(props: QueryRowProps) {
  const { name, draft, progress, ran, client, only, full, looks, curl } = props;
  const { onEdit, onRun, onToggle, onRemove, onDuplicate, onFocus, onReady, onCancel } = props;
  const failed = progress?.error;
  const same = progress?.expression === draft.text.trim();
  const error = useMemo(() => {
    if (!same || !(failed instanceof ApiError) || failed.kind !== 'bad_data') return undefined;
    return errorSpan(errorText(failed), draft.text);
  }, [same, failed, draft.text]);
  return (
    <div className={classes.row} data-off={!draft.on || undefined}>
      <div className={classes.rowMain}>
        <Tooltip label={draft.on ? 'Switch this query off' : 'Switch this query on'}>
          <UnstyledButton
            className={classes.letter}
            aria-pressed={draft.on}
            aria-label={`Query ${name} ${draft.on ? 'on' : 'off'}`}
            onClick={onToggle}
          >
            {name}
            <span className={classes.looks} aria-hidden="true">
              {looks.map(({ token }) => (
                <span key={token} style={{ background: `var(${token})` }} />
              ))}
            </span>
          </UnstyledButton>
        </Tooltip>
        <PromqlEditor
          label={`Query ${name}`}
          value={draft.text}
          client={client}
          error={error}
          autoFocus={only && draft.text === ''}
          onChange={onEdit}
          onRun={onRun}
          onFocus={onFocus}
          onReady={onReady}
        />
        <Tooltip label="Duplicate this query">
          <ActionIcon aria-label={`Duplicate query ${name}`} disabled={full} onClick={onDuplicate}>
            <IconCopyPlus size={15} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Copy as a curl command">
          <ActionIcon
            aria-label={`Copy query ${name} as curl`}
            disabled={draft.text.trim() === ''}
            onClick={() => void copyCommand(curl())}
          >
            <IconTerminal2 size={15} />
          </ActionIcon>
        </Tooltip>
        {!only && (
          <ActionIcon aria-label={`Remove query ${name}`} onClick={onRemove}>
            <IconTrash size={15} />
          </ActionIcon>
        )}
      </div>
      <div className={classes.rowBelow}>
        <QueryStatus progress={progress} edited={draft.on && draft.text.trim() !== ran} onCancel={onCancel} />
        {progress?.answer !== undefined && <Notices {...progress.answer} />}
        {failed !== undefined && !progress?.loading && (
          <ErrorCard
            error={failed}
            {...(error === undefined ? { onRetry: onRun } : { title: 'The server cannot read this query' })}
          />
        )}
      </div>
    </div>
  );
}

async function copyCommand(command: string): Promise<void> {
  const copied = await copyText(command);
  notifications.show({
    message: copied ? 'Command copied' : 'The browser did not allow copying.',
    color: copied ? 'blue' : 'red',
    autoClose: 3000,
  });
}
