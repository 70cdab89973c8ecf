import { Button } from '@mantine/core';
import classes from './alerting.module.css';

interface LengthButtonsProps {
  lengths: readonly string[];
  value: string;
  onChoose(length: string): void;
}

/** Lengths of time that are often asked for, beside a field for any. */
export function LengthButtons({ lengths, value, onChoose }: LengthButtonsProps) {
  return (
    <fieldset className={classes.lengths} aria-label="Common lengths">
      {lengths.map((length) => (
        <Button
          key={length}
          size="compact-xs"
          aria-pressed={value === length}
          variant={value === length ? 'light' : 'default'}
          onClick={() => onChoose(length)}
        >
          {length}
        </Button>
      ))}
    </fieldset>
  );
}
