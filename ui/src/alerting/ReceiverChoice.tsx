import { useQuery } from '@tanstack/react-query';
import { RECEIVERS_QUERY } from '../api/queries';
import { MenuChoice } from '../lists/Choice';

interface ReceiverChoiceProps {
  /** Empty for all of them. */
  value: string;
  onChange(receiver: string): void;
}

/** Narrows a list to what one receiver is told. One that is gone from the configuration can still be asked for. */
export function ReceiverChoice({ value, onChange }: ReceiverChoiceProps) {
  const names = (useQuery(RECEIVERS_QUERY).data ?? []).map(({ name }) => name);
  const known = value === '' || names.includes(value) ? names : [value, ...names];
  return (
    <MenuChoice
      label="Receiver"
      value={value}
      options={{ '': 'All receivers', ...Object.fromEntries(known.map((name) => [name, name])) }}
      onChange={onChange}
    />
  );
}
