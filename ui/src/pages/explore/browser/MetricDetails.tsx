import { Button, UnstyledButton } from '@mantine/core';
import { IconChevronRight, IconCursorText, IconPlus } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../../../api/client';
import { formatCount, plural } from '../../../format/value';
import { metricSelector, quoteName } from '../../../labels/labels';
import { PageLink } from '../../../nav/links';
import { ErrorCard } from '../../../states/ErrorCard';
import { Loading } from '../../../states/Loading';
import type { CatalogueEntry } from '../../metrics/catalogue';
import { TypeBadge } from '../../metrics/TypeBadge';
import classes from './browser.module.css';
import { type Picked, pickedSelector, togglePicked } from './matchers';

/** Values listed with their series. */
const MOST_VALUES = 100;
const STALE_MS = 30_000;

interface MetricDetailsProps {
  entry: CatalogueEntry;
  full: boolean;
  onInsert(selector: string): void;
  onAdd(selector: string): void;
}

/** What a metric is made of; values that are picked narrow the selector that is inserted. */
export function MetricDetails({ entry, full, onInsert, onAdd }: MetricDetailsProps) {
  const { name } = entry;
  const [picked, setPicked] = useState<Picked>({});
  const [open, setOpen] = useState<string>();
  const selector = pickedSelector(name, picked);
  const all = metricSelector(name);
  const labels = useQuery({
    queryKey: ['metric', name, 'labels'],
    queryFn: ({ signal }) => api.labelNames(all, signal),
    staleTime: STALE_MS,
  });
  const own = (labels.data ?? []).filter((label) => label !== '__name__');
  const values = useQueries({
    queries: own.map((label) => ({
      queryKey: ['metric', name, 'values', label],
      queryFn: ({ signal }: { signal: AbortSignal }) => api.labelValues(label, all, signal),
      staleTime: STALE_MS,
    })),
  });
  const count = useQuery({
    queryKey: ['metric', name, 'count', selector],
    queryFn: ({ signal }) => api.instant(`count(${selector})`, Date.now(), signal),
    staleTime: STALE_MS,
  });
  const result = count.data?.data.result;
  const series = result?.type === 'vector' ? Number(result.samples[0]?.value ?? 0) : undefined;
  return (
    <>
      <h2 className={classes.title}>
        <span className={classes.name}>{name}</span>
        <TypeBadge type={entry.type} />
        {entry.unit !== '' && <span className="bw-tag">{entry.unit}</span>}
      </h2>
      <p className={classes.help}>
        {entry.help === '' ? 'The exposition says nothing about this metric.' : entry.help}
      </p>
      <div className={classes.selector}>
        <code title={selector}>{selector}</code>
        <span className="bw-dim bw-number">
          {series === undefined ? '' : plural(series, 'series now', 'series now')}
        </span>
        <span className={classes.spread} />
        <Button
          variant="filled"
          leftSection={<IconCursorText size={14} aria-hidden="true" />}
          onClick={() => onInsert(selector)}
        >
          Insert
        </Button>
        <Button leftSection={<IconPlus size={14} aria-hidden="true" />} disabled={full} onClick={() => onAdd(selector)}>
          Add as query
        </Button>
        <PageLink to="/metrics/$name" params={{ name }}>
          More
        </PageLink>
      </div>
      {labels.isPending && <Loading height={160} />}
      {labels.error !== null && <ErrorCard error={labels.error} onRetry={() => void labels.refetch()} />}
      {labels.data !== undefined && own.length === 0 && (
        <p className="bw-note">This metric has no labels: it is a single series.</p>
      )}
      <ul className={classes.labels} aria-label={`Labels of ${name}`}>
        {own.map((label, i) => {
          const known = values[i]?.data;
          return (
            <li key={label}>
              <UnstyledButton
                className={classes.label}
                aria-expanded={open === label}
                onClick={() => setOpen(open === label ? undefined : label)}
              >
                <IconChevronRight size={14} aria-hidden="true" />
                <span className={classes.name}>{label}</span>
                <span className="bw-dim bw-number">{known === undefined ? '' : plural(known.length, 'value')}</span>
                <span className={classes.preview}>{(picked[label] ?? known?.slice(0, 5))?.join('   ')}</span>
              </UnstyledButton>
              {open === label && (
                <Values
                  name={name}
                  label={label}
                  picked={picked}
                  onToggle={(value) => setPicked(togglePicked(picked, label, value))}
                />
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

interface ValuesProps {
  name: string;
  label: string;
  picked: Picked;
  onToggle(value: string): void;
}

/** The values of a label with their series, among those that the other picked values leave. */
function Values({ name, label, picked, onToggle }: ValuesProps) {
  const among = pickedSelector(name, picked, label);
  const query = useQuery({
    queryKey: ['metric', name, 'series-among', label, among],
    queryFn: ({ signal }) =>
      api.instant(`topk(${MOST_VALUES}, count by (${quoteName(label)}) (${among}))`, Date.now(), signal),
    staleTime: STALE_MS,
    placeholderData: (before) => before,
  });
  if (query.isPending) return <Loading height={60} />;
  if (query.error !== null) return <ErrorCard error={query.error} onRetry={() => void query.refetch()} />;
  const { result } = query.data.data;
  const counted = (result.type === 'vector' ? result.samples : [])
    .map(({ labels, value }) => ({ value: labels[label] ?? '', series: Number(value) }))
    .sort((a, b) => b.series - a.series || (a.value < b.value ? -1 : 1));
  return (
    <>
      <ul className={classes.values} aria-label={`Values of ${label}`}>
        {counted.map(({ value, series }) => (
          <li key={value}>
            <UnstyledButton
              className={classes.value}
              aria-pressed={picked[label]?.includes(value) ?? false}
              title={value}
              onClick={() => onToggle(value)}
            >
              <span>{value === '' ? '(empty)' : value}</span>
              <span className={classes.count}>{formatCount(series)}</span>
            </UnstyledButton>
          </li>
        ))}
      </ul>
      {counted.length === 0 && <p className="bw-note">No series now.</p>}
      {counted.length === MOST_VALUES && (
        <p className="bw-note">The {formatCount(MOST_VALUES)} values with the most series.</p>
      )}
    </>
  );
}
