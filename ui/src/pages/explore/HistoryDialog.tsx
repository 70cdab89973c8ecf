import { ActionIcon, Button, Modal, TextInput, Tooltip, UnstyledButton } from '@mantine/core';
import { IconCursorText, IconSearch, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { plural } from '../../format/value';
import { wordFilter } from '../../lists/matches';
import { useTime } from '../../nav/time';
import { forgetQueries, forgetQuery, queryHistory } from '../../prefs/history';
import { formatMomentShort } from '../../time/zone';
import classes from './explore.module.css';

interface HistoryDialogProps {
  onRun(expression: string): void;
  onInsert(expression: string): void;
  onClose(): void;
}

/** Expressions that were run in this browser: search, run again, insert, forget. */
export function HistoryDialog({ onRun, onInsert, onClose }: HistoryDialogProps) {
  const { zone } = useTime();
  const [entries, setEntries] = useState(queryHistory);
  const [filter, setFilter] = useState('');
  const matches = wordFilter(filter);
  const shown = entries.filter(({ text }) => matches(text));
  const [first] = shown;
  const use = (act: (text: string) => void, text: string) => {
    onClose();
    // The dialogue gives the focus back when it closes; what is inserted comes after that.
    setTimeout(() => act(text));
  };
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title="History of this browser"
      closeButtonProps={{ 'aria-label': 'Close the history' }}
    >
      <div className={classes.historyHead}>
        <TextInput
          className={classes.grow ?? ''}
          aria-label="Search the history"
          placeholder="Search the history"
          data-autofocus
          leftSection={<IconSearch size={14} aria-hidden="true" />}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && first !== undefined) use(onRun, first.text);
          }}
        />
        <Button
          disabled={entries.length === 0}
          onClick={() => {
            forgetQueries();
            setEntries([]);
          }}
        >
          Forget all
        </Button>
      </div>
      <p className="bw-note" role="status">
        {entries.length === 0
          ? 'Queries that you run are listed here. They stay in this browser.'
          : filter === ''
            ? `${plural(entries.length, 'query', 'queries')}, kept in this browser only.`
            : `${plural(shown.length, 'query matches', 'queries match')}.`}
      </p>
      <ul className={classes.history} aria-label="Past queries">
        {shown.map(({ text, at }) => (
          <li key={text}>
            <UnstyledButton className={classes.historyEntry} title={text} onClick={() => use(onRun, text)}>
              {text}
            </UnstyledButton>
            {at !== undefined && <span className="bw-dim bw-number">{formatMomentShort(at, zone)}</span>}
            <Tooltip label="Insert into the query">
              <ActionIcon aria-label={`Insert ${text}`} onClick={() => use(onInsert, text)}>
                <IconCursorText size={15} />
              </ActionIcon>
            </Tooltip>
            <ActionIcon
              aria-label={`Forget ${text}`}
              onClick={() => {
                forgetQuery(text);
                setEntries(queryHistory());
              }}
            >
              <IconTrash size={15} />
            </ActionIcon>
          </li>
        ))}
      </ul>
    </Modal>
  );
}
