import { NativeSelect, SegmentedControl } from '@mantine/core';

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  /** What can be chosen, with the words for it. */
  options: Readonly<Record<T, string>>;
  onChange(value: T): void;
}

/** One of a few, all of them in view. */
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <SegmentedControl
      aria-label={label}
      value={value}
      data={listOf(options)}
      onChange={(text) => choose(options, text, onChange)}
    />
  );
}

/** One of several in a menu. */
export function MenuChoice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <NativeSelect
      aria-label={label}
      value={value}
      data={listOf(options)}
      onChange={({ currentTarget }) => choose(options, currentTarget.value, onChange)}
    />
  );
}

const listOf = <T extends string>(options: Readonly<Record<T, string>>) =>
  keysOf(options).map((value) => ({ value, label: options[value] }));

const keysOf = <T extends string>(options: Readonly<Record<T, string>>) => Object.keys(options) as T[];

/** The kit tells the choice as any text. */
function choose<T extends string>(options: Readonly<Record<T, string>>, text: string, onChange: (value: T) => void) {
  const chosen = keysOf(options).find((known) => known === text);
  if (chosen !== undefined) onChange(chosen);
}
