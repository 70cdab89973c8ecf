import { Button, Popover, SegmentedControl, TextInput, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconClock } from '@tabler/icons-react';
import { type FormEvent, lazy, Suspense, useState } from 'react';
import { useKeys } from '../nav/keys';
import { useTime } from '../nav/time';
import { useZone } from '../prefs/zone';
import { absolute, type Bound, formatBound, type Range, type Span } from '../time/bound';
import { QUICK_RANGES, rangeLabel } from '../time/quick';
import { parseTypedRange } from '../time/typed';
import { formatMomentShort, type Zone } from '../time/zone';
import classes from './shell.module.css';

const Calendar = lazy(async () => ({ default: (await import('./Calendar')).Calendar }));

/** The button with the chosen range, and the box to choose another. */
export function RangePicker() {
  const { range, zone, setRange } = useTime();
  const [open, setOpen] = useState(false);
  useKeys({ t: () => setOpen(true) });
  const choose = (next: Range) => {
    setRange(next);
    setOpen(false);
  };
  const label = rangeLabel(range, zone);
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <Button
          className={classes.rangeButton ?? ''}
          onClick={() => setOpen(!open)}
          leftSection={<IconClock size={14} aria-hidden="true" />}
          rightSection={<IconChevronDown size={13} aria-hidden="true" />}
          aria-label={`Time range: ${label}${zone === 'utc' ? ', UTC' : ''}`}
        >
          {label}
          {zone === 'utc' && <span className="bw-dim">&nbsp;UTC</span>}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Choose a time range" p={12} maw="min(540px, 100vw)">
        <RangeForm key={label} range={range} zone={zone} onChoose={choose} />
      </Popover.Dropdown>
    </Popover>
  );
}

function RangeForm({ range, zone, onChoose }: { range: Range; zone: Zone; onChoose(range: Range): void }) {
  const { setZone } = useZone();
  const { span } = useTime();
  const [typed, setTyped] = useState(() => rangeText(range, zone));
  const [failed, setFailed] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const parsed = parseTypedRange(typed, Date.now(), zone);
    if (parsed === undefined) setFailed(true);
    else onChoose(parsed);
  };
  const pick = (days: Span) => setTyped(rangeText({ from: absolute(days.start), to: absolute(days.end) }, zone));
  return (
    <div className={classes.picker}>
      <form className={classes.pickerForm} onSubmit={submit}>
        <TextInput
          className={classes.pickerField ?? ''}
          data-autofocus
          aria-label="Time range, typed"
          placeholder="6h, yesterday, 2026-11-01 10:00 to 11:00"
          value={typed}
          error={failed ? 'Try 6h, yesterday, or 2026-11-01 10:00 to 11:00.' : undefined}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setFailed(false);
          }}
        />
        <Button type="submit" variant="filled">
          Apply
        </Button>
      </form>
      <Suspense fallback={<div style={{ height: 260 }} />}>
        <Calendar span={span} zone={zone} onPick={pick} />
      </Suspense>
      <ul className={classes.quick} aria-label="Quick ranges">
        {QUICK_RANGES.map((quick) => (
          <li key={quick.label}>
            <UnstyledButton
              className={classes.quickButton}
              aria-pressed={rangeText(quick.range, zone) === rangeText(range, zone)}
              onClick={() => onChoose(quick.range)}
            >
              {quick.label}
            </UnstyledButton>
          </li>
        ))}
      </ul>
      <div className={classes.pickerFoot}>
        <span className="bw-dim">Times are shown in</span>
        <SegmentedControl
          aria-label="Time zone"
          value={zone}
          onChange={(value) => setZone(value === 'utc' ? 'utc' : 'local')}
          data={[
            { value: 'local', label: 'Local time' },
            { value: 'utc', label: 'UTC' },
          ]}
        />
      </div>
    </div>
  );
}

function rangeText({ from, to }: Range, zone: Zone): string {
  const text = (bound: Bound) => (bound.kind === 'absolute' ? formatMomentShort(bound.ms, zone) : formatBound(bound));
  return `${text(from)} to ${text(to)}`;
}
