import '@mantine/dates/styles.layer.css';
import { DatePicker } from '@mantine/dates';
import { useState } from 'react';
import type { Span } from '../time/bound';
import { inZone, parseMoment, type Zone } from '../time/zone';

const DAY_MS = 86_400_000;

/** Chooses whole days. In a chunk of its own: few need it, and it is large. */
export function Calendar({ span, zone, onPick }: { span: Span; zone: Zone; onPick(days: Span): void }) {
  const day = (ms: number) => inZone(ms, zone).format('YYYY-MM-DD');
  const [days, setDays] = useState<[string | null, string | null]>([day(span.start), day(span.end)]);
  const pick = (next: [string | null, string | null]) => {
    setDays(next);
    const [first, last] = next.map((text) => (text === null ? undefined : parseMoment(text, zone)));
    if (first !== undefined && last !== undefined) onPick({ start: first, end: last + DAY_MS });
  };
  return (
    <DatePicker
      type="range"
      size="xs"
      allowSingleDateInRange
      firstDayOfWeek={1}
      weekendDays={[]}
      hideOutsideDates
      defaultDate={day(span.end)}
      value={days}
      onChange={pick}
      ariaLabels={{ nextMonth: 'Next month', previousMonth: 'Previous month' }}
    />
  );
}
