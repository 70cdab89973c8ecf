import { Button, Menu } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useState } from 'react';
import { forgetQueries, queryHistory } from '../../prefs/history';
import classes from './explore.module.css';

const MOST_SHOWN = 20;

/** Expressions that were run in this browser before. */
export function HistoryMenu({ onPick }: { onPick(expression: string): void }) {
  const [entries, setEntries] = useState<string[]>([]);
  return (
    <Menu position="bottom-end" width={460} onOpen={() => setEntries(queryHistory().slice(0, MOST_SHOWN))}>
      <Menu.Target>
        <Button leftSection={<IconHistory size={14} aria-hidden="true" />}>History</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {entries.length === 0 && <Menu.Label>Queries that you run are listed here, in this browser only.</Menu.Label>}
        {entries.map((entry) => (
          <Menu.Item key={entry} onClick={() => onPick(entry)} title={entry}>
            <span className={classes.historyEntry}>{entry}</span>
          </Menu.Item>
        ))}
        {entries.length > 0 && (
          <>
            <Menu.Divider />
            <Menu.Item onClick={forgetQueries}>Forget all</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
