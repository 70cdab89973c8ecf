import { ActionIcon, Kbd, TextInput } from '@mantine/core';
import { IconSearch, IconX } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useKeys } from '../nav/keys';
import classes from './lists.module.css';

/** The list follows when the user pauses this long. */
const PAUSE_MS = 120;

interface FilterFieldProps {
  label: string;
  value: string;
  onChange(value: string): void;
}

/** Narrows a list; `/` leads here, Escape clears it. */
export function FilterField({ label, value, onChange }: FilterFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const { text, edit } = usePausing(value, onChange);
  useKeys({ '/': () => field.current?.select() });
  const clear = (
    <ActionIcon size={20} aria-label="Clear the field" onClick={() => edit('')}>
      <IconX size={13} />
    </ActionIcon>
  );
  return (
    <TextInput
      ref={field}
      className={classes.filter ?? ''}
      aria-label={label}
      placeholder={label}
      value={text}
      leftSection={<IconSearch size={14} aria-hidden="true" />}
      rightSection={text === '' ? <Kbd size="xs">/</Kbd> : clear}
      onChange={(event) => edit(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        if (text === '') event.currentTarget.blur();
        else edit('');
      }}
    />
  );
}

/**
 * The text of a field whose value lives elsewhere and comes back late (in the URL). What is being typed always wins;
 * a value from outside is taken over once nothing of our own is on its way.
 */
function usePausing(value: string, onChange: (value: string) => void) {
  const [text, setText] = useState(value);
  const [sent, setSent] = useState<string>();
  const latest = useRef(onChange);
  latest.current = onChange;
  if (sent === value) setSent(undefined);
  else if (sent === undefined && text !== value) setText(value);

  useEffect(() => {
    if (sent === undefined) return;
    const timer = setTimeout(() => latest.current(sent), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [sent]);

  const edit = (next: string) => {
    setText(next);
    setSent(next === value ? undefined : next);
  };
  return { text, edit };
}
