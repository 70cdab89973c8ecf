import { UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import { formatCount, plural } from '../../format/value';
import { escapeValue, metricSelector, quoteName } from '../../labels/labels';
import { PageLink } from '../../nav/links';
import { useUrlState } from '../../nav/useUrlState';
import { Panel } from '../../panel/Panel';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { exploreCodec, metricCodec } from '../../url/pages';
import classes from './metric.module.css';

/** Values named beside a label before it is opened. */
const PREVIEW = 4;

/** Values listed with their series. */
const MOST_VALUES = 50;

/** The labels of a metric, those with the most values first; one can be opened to see series by value. */
export function LabelPanel({ name, labels }: { name: string; labels: readonly string[] | undefined }) {
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
  const failed = values.find((query) => query.error !== null);
  return (
    <Panel title="Labels" note={plural(labels.length, 'label')} flush>
      {failed !== undefined && <ErrorCard error={failed.error} onRetry={() => void failed.refetch()} />}
      {labels.length === 0 && <p className="bw-note">This metric has no labels: it is a single series.</p>}
      <ul className={classes.labels}>
        {rows.map(({ label, values: known }) => {
          const open = state.label === label;
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
              </UnstyledButton>
              {open && <Values name={name} label={label} />}
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

/** Series by value of one label, the most first. */
function Values({ name, label }: { name: string; label: string }) {
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
            <span className={classes.valueCount}>{plural(series, 'series', 'series')}</span>
          </li>
        ))}
      </ul>
      {counted.length === MOST_VALUES && (
        <p className="bw-note">The {formatCount(MOST_VALUES)} values with the most series.</p>
      )}
    </>
  );
}
