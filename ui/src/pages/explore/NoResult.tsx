import { Button } from '@mantine/core';
import { IconChartLine, IconClockOff, IconSearchOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../../api/client';
import { METRIC_NAMES_QUERY } from '../../api/queries';
import { metricSelector } from '../../labels/labels';
import { nearestNames } from '../../lists/matches';
import { useTime } from '../../nav/time';
import { metricNames } from '../../promql/names';
import { EmptyState } from '../../states/EmptyState';

interface NoResultProps {
  expressions: readonly string[];
  onRun(expression: string): void;
}

/** The queries ran and found nothing: says why, as far as can be told, and what to do. */
export function NoResult({ expressions, onRun }: NoResultProps) {
  const known = useQuery(METRIC_NAMES_QUERY).data;
  const names = [...new Set(expressions.flatMap(metricNames))];
  const unknown = known === undefined ? undefined : names.find((name) => !known.includes(name));
  if (known !== undefined && unknown !== undefined) {
    return <UnknownMetric name={unknown} known={known} expressions={expressions} onRun={onRun} />;
  }
  return <NothingInRange names={names} />;
}

interface UnknownMetricProps extends NoResultProps {
  name: string;
  known: readonly string[];
}

function UnknownMetric({ name, known, expressions, onRun }: UnknownMetricProps) {
  const near = nearestNames(name, known, 3);
  const expression = expressions.find((text) => metricNames(text).includes(name)) ?? name;
  const replace = (by: string) => onRun(expression.replaceAll(new RegExp(`(?<![\\w:])${name}(?![\\w:])`, 'g'), by));
  return (
    <EmptyState
      icon={IconSearchOff}
      title={`There is no metric ${name}`}
      action={near.map((candidate) => (
        <Button key={candidate} onClick={() => replace(candidate)}>
          {candidate}
        </Button>
      ))}
    >
      {near.length > 0 ? 'Did you mean one of these?' : 'Nothing of a similar name is stored either.'}
    </EmptyState>
  );
}

const LOOK_BACK = '30d';
const SHOWN_MS = 3_600_000;

function NothingInRange({ names }: { names: readonly string[] }) {
  const { setSpan } = useTime();
  const [looking, setLooking] = useState<'no' | 'yes' | 'in vain'>('no');
  const jump = async () => {
    setLooking('yes');
    const times = names.map((name) => `max(max_over_time(timestamp(${metricSelector(name)})[${LOOK_BACK}:5m]))`);
    try {
      const { data } = await api.instant(times.join(' or '), Date.now());
      const values = data.result.type === 'vector' ? data.result.samples.map(({ value }) => value) : [];
      const last = Math.max(...values.filter((value) => typeof value === 'number'));
      if (!Number.isFinite(last)) return setLooking('in vain');
      setSpan({ start: last * 1000 - SHOWN_MS, end: last * 1000 + 60_000 });
    } catch {
      return setLooking('in vain');
    }
    return setLooking('no');
  };
  return (
    <EmptyState
      icon={IconClockOff}
      title="Nothing in this time range"
      action={
        names.length > 0 && (
          <Button loading={looking === 'yes'} disabled={looking === 'in vain'} onClick={() => void jump()}>
            Go to the last samples
          </Button>
        )
      }
    >
      {looking === 'in vain'
        ? `There are no samples within ${LOOK_BACK} of now either.`
        : 'The queries are fine, but no series matches them here.'}
    </EmptyState>
  );
}

/** Nothing was asked yet. */
export function NoQuery({ onRun }: { onRun(expression: string): void }) {
  return (
    <EmptyState
      icon={IconChartLine}
      title="Ask a question in PromQL"
      action={
        <Button variant="filled" onClick={() => onRun('up')}>
          Show which targets are up
        </Button>
      }
    >
      Metrics, labels and functions are suggested while you type. Ctrl+Enter runs the query.
    </EmptyState>
  );
}
