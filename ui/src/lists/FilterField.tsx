import { ActionIcon, Kbd, TextInput } from '@mantine/core';
import { IconSearch, IconX } from '@tabler/icons-react';
import { useRef } from 'react';
import { useKeys } from '../nav/keys';
import classes from './lists.module.css';
import { usePausing } from './usePausing';

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
