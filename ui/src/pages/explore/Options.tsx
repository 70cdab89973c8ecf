import { NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { UNITS, type Unit } from '../../format/value';
import { formatDuration } from '../../time/duration';
import { parseStep, type Step } from '../../time/step';
import type { ExploreState } from '../../url/pages';
import classes from './explore.module.css';

interface OptionsProps {
  state: ExploreState;
  set(patch: Partial<ExploreState>): void;
  /** What `auto` comes to. */
  step: number;
  unit: Unit;
}

/** Resolution and unit of the graph. */
export function Options({ state, set, step, unit }: OptionsProps) {
  const chosen = UNITS.find(({ value }) => value === unit)?.label.replace(/ \(.*/, '');
  return (
    <div className={classes.options}>
      <StepField key={String(state.step)} value={state.step} auto={step} onChange={(next) => set({ step: next })} />
      <NativeSelect
        aria-label="Unit"
        w={150}
        value={state.unit}
        onChange={(event) => set({ unit: event.currentTarget.value as ExploreState['unit'] })}
        data={[{ value: 'auto', label: `Unit: ${chosen?.toLowerCase()} (auto)` }, ...UNITS]}
      />
    </div>
  );
}

function StepField({ value, auto, onChange }: { value: Step; auto: number; onChange(step: Step): void }) {
  const [text, setText] = useState(value === 'auto' ? '' : formatStep(value));
  const parsed = text.trim() === '' ? 'auto' : parseStep(text.trim());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (parsed !== undefined) onChange(parsed);
  };
  return (
    <form onSubmit={submit}>
      <TextInput
        w={136}
        aria-label="Step between two points"
        placeholder={`Step: ${formatStep(auto)} (auto)`}
        value={text}
        error={parsed === undefined}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={() => parsed !== undefined && parsed !== value && onChange(parsed)}
      />
    </form>
  );
}

const formatStep = (seconds: number) => formatDuration(seconds * 1000);
