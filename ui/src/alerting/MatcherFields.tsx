import { ActionIcon, Button, NativeSelect, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import classes from './alerting.module.css';
import { type Matcher, OPERATORS } from './matchers';

interface MatcherFieldsProps {
  matchers: readonly Matcher[];
  onChange(matchers: readonly Matcher[]): void;
}

/** Matchers to write, one in a line. */
export function MatcherFields({ matchers, onChange }: MatcherFieldsProps) {
  const change = (place: number, patch: Partial<Matcher>) =>
    onChange(matchers.map((matcher, i) => (i === place ? { ...matcher, ...patch } : matcher)));
  return (
    <fieldset className={classes.matchers}>
      <legend>Alerts with all of</legend>
      {matchers.map(({ name, op, value }, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a matcher is its place while its texts are being written
        <div key={place} className={classes.matcher}>
          <TextInput
            aria-label={`Label ${place + 1}`}
            placeholder="label"
            value={name}
            onChange={(event) => change(place, { name: event.currentTarget.value })}
          />
          <NativeSelect
            aria-label={`Comparison ${place + 1}`}
            value={op}
            data={[...OPERATORS]}
            onChange={({ currentTarget }) =>
              change(place, { op: OPERATORS.find((known) => known === currentTarget.value) ?? '=' })
            }
          />
          <TextInput
            aria-label={`Value ${place + 1}`}
            placeholder={op === '=~' || op === '!~' ? 'regular expression' : 'value'}
            value={value}
            onChange={(event) => change(place, { value: event.currentTarget.value })}
          />
          <ActionIcon
            aria-label={`Remove matcher ${place + 1}`}
            onClick={() => onChange(matchers.filter((_, i) => i !== place))}
          >
            <IconX size={14} />
          </ActionIcon>
        </div>
      ))}
      <Button
        size="compact-xs"
        leftSection={<IconPlus size={13} aria-hidden="true" />}
        onClick={() => onChange([...matchers, { name: '', op: '=', value: '' }])}
      >
        Add a matcher
      </Button>
    </fieldset>
  );
}
