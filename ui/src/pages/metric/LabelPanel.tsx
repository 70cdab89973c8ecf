import { UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { PackLabel } from '../../api/packs';
import { formatCount, plural } from '../../format/value';
import { escapeValue, metricSelector, quoteName } from '../../labels/labels';
import { PageLink } from '../../nav/links';
import { useUrlState } from '../../nav/useUrlState';
import { Panel } from '../../panel/Panel';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { exploreCodec, metricCodec } from '../../url/pages';
import { openLabel } from '../packs/MetricPromise';
import type { Owned } from '../packs/verdicts';
import classes from './metric.module.css';

/** Values named beside a label before it is opened. */
const PREVIEW = 4;

/** Values listed with their series. */
const MOST_VALUES = 50;

interface LabelPanelProps {
  name: string;
  labels: readonly string[] | undefined;
  /** The metric in its pack, which says what the labels may be. */
  owner: Owned | undefined;
}

/** The labels of a metric, those with the most values first; one can be opened to see series by value. */
export function LabelPanel({ name, labels, owner }: LabelPanelProps) {
  const [state, set] = useUrlState(metricCodec);
  const selector = metricSelector(name);
  const values = useQueries({
    queries: (labels ?? []).map((label) => ({
      queryKey: ['metric', name, 'values', label],
      queryFn: ({ signal }: { signal: AbortSignal }) => api.labelValues(label, selector, signal),
      staleTime: 30_000,
    })),
  });
  if (labels === undefined) {
    return (
      <Panel title="Labels">
        <Loading height={180} />
      </Panel>
    );
  }
  const rows = labels
    .map((label, i) => ({ label, values: values[i]?.data }))
    .sort((a, b) => (b.values?.length ?? 0) - (a.values?.length ?? 0) || (a.label < b.label ? -1 : 1));
  const promised = promisedLabels(owner);
  const absent = [...promised].filter(([label, { optional }]) => !optional && !labels.includes(label));
  const failed = values.find((query) => query.error !== null);
  return (
    <Panel title="Labels" note={plural(labels.length, 'label')} flush>
      {failed !== undefined && <ErrorCard error={failed.error} onRetry={() => void failed.refetch()} />}
      {labels.length === 0 && <p className="bw-note">This metric has no labels: it is a single series.</p>}
      <ul className={classes.labels}>
        {rows.map(({ label, values: known }) => {
          const open = state.label === label;
          const promise = promised.get(label);
          return (
            <li key={label}>
              <UnstyledButton
                className={classes.label}
                aria-expanded={open}
                onClick={() => set({ label: open ? '' : label })}
              >
                <IconChevronRight size={14} className={classes.chevron} aria-hidden="true" />
                <span className={classes.labelName}>{label}</span>
                <span className={classes.labelCount}>{known === undefined ? '–' : plural(known.length, 'value')}</span>
                <span className={classes.preview}>{known?.slice(0, PREVIEW).join('   ')}</span>
                <span className={classes.promise}>{promise !== undefined && known && promiseText(promise, known)}</span>
              </UnstyledButton>
              {open && <Values name={name} label={label} promise={promise} />}
            </li>
          );
        })}
      </ul>
      {absent.length > 0 && (
        <p className="bw-note">The pack has also {absent.map(([label]) => label).join(', ')}, which no series has.</p>
      )}
    </Panel>
  );
}

/** The labels that a pack declares, as they are called under the name that is looked at. */
function promisedLabels(owner: Owned | undefined): ReadonlyMap<string, PackLabel> {
  const labels = owner?.metric.labels ?? [];
  return new Map(labels.map((label) => [owner?.alias?.labels[label.name] ?? label.name, label]));
}

/** `3 of 5 in the pack`, `12 of at most 200`. */
function promiseText({ values, max, maxLength }: PackLabel, known: readonly string[]): string {
  if (values.length === 0) return max === null ? '' : `${openLabel(max, maxLength)}`;
  const strange = known.filter((value) => !values.includes(value)).length;
  const seen = `${formatCount(known.length - strange)} of ${formatCount(values.length)} in the pack`;
  return strange === 0 ? seen : `${seen}, ${formatCount(strange)} unknown to it`;
}

interface ValuesProps {
  name: string;
  label: string;
  promise: PackLabel | undefined;
}

/** Series by value of one label, the most first. */
function Values({ name, label, promise }: ValuesProps) {
  const query = useQuery({
    queryKey: ['metric', name, 'series-by', label],
    queryFn: ({ signal }) => {
      const counts = `count by (${quoteName(label)}) (${metricSelector(name)})`;
      return api.instant(`topk(${MOST_VALUES}, ${counts})`, Date.now(), signal);
    },
    staleTime: 30_000,
  });
  if (query.isPending) return <Loading height={90} />;
  if (query.error !== null) return <ErrorCard error={query.error} onRetry={() => void query.refetch()} />;
  const { result } = query.data.data;
  const samples = result.type === 'vector' ? result.samples : [];
  const counted = samples
    .map(({ labels, value }) => ({ value: labels[label] ?? '', series: Number(value) }))
    .sort((a, b) => b.series - a.series || (a.value < b.value ? -1 : 1));
  const most = counted[0]?.series ?? 1;
  const allowed = promise?.values ?? [];
  const unseen = allowed.filter((known) => !counted.some(({ value }) => value === known));
  return (
    <>
      <ul className={classes.values}>
        {counted.map(({ value, series }) => (
          <li key={value}>
            <PageLink
              to="/explore"
              search={exploreCodec.encode({
                q: [metricSelector(name, `${quoteName(label)}="${escapeValue(value)}"`)],
              })}
              className={classes.value}
              title={value}
            >
              {value === '' ? '(empty)' : value}
            </PageLink>
            <span className={classes.bar}>
              <span style={{ width: `${(100 * series) / most}%` }} />
            </span>
            <span className={classes.valueCount}>
              {plural(series, 'series', 'series')}
              {allowed.length > 0 && !allowed.includes(value) && (
                <span className={classes.strange}>not in the pack</span>
              )}
            </span>
          </li>
        ))}
      </ul>
      {promise !== undefined && promise.help !== '' && <p className="bw-note">{promise.help}</p>}
      {unseen.length > 0 && counted.length < MOST_VALUES && (
        <p className="bw-note">In the pack, and no series has it: {unseen.join(', ')}.</p>
      )}
      {counted.length === MOST_VALUES && (
        <p className="bw-note">The {formatCount(MOST_VALUES)} values with the most series.</p>
      )}
    </>
  );
}
