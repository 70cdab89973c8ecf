import { ActionIcon, Button, TextInput, UnstyledButton } from '@mantine/core';
import { IconDatabaseOff, IconFilterOff, IconListSearch, IconSearch, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useRef, useState } from 'react';
import { METADATA_QUERY, METRIC_NAMES_QUERY } from '../../../api/queries';
import { formatCount, plural } from '../../../format/value';
import { useVirtualRows } from '../../../lists/useVirtualRows';
import type { SetOptions } from '../../../nav/useUrlState';
import { EmptyState } from '../../../states/EmptyState';
import { ErrorCard } from '../../../states/ErrorCard';
import { Loading } from '../../../states/Loading';
import type { ExploreState } from '../../../url/pages';
import { makeCatalogue, selectEntries } from '../../metrics/catalogue';
import { TypeBadge } from '../../metrics/TypeBadge';
import classes from './browser.module.css';
import { MetricDetails } from './MetricDetails';

const ROW_PX = 28;
const NO_COUNTS: ReadonlyMap<string, number> = new Map();

interface MetricBrowserProps {
  state: ExploreState;
  set(patch: Partial<ExploreState>, options?: SetOptions): void;
  /** No more queries can be added. */
  full: boolean;
  onInsert(selector: string): void;
  onAdd(selector: string): void;
}

/** Finds a metric by name or help, shows what it is made of, and writes it into a query. */
export function MetricBrowser({ state, set, full, onInsert, onAdd }: MetricBrowserProps) {
  const names = useQuery(METRIC_NAMES_QUERY);
  const metadata = useQuery(METADATA_QUERY);
  const [typed, setTyped] = useState(state.find);
  const entries = useMemo(
    () => makeCatalogue(names.data ?? [], metadata.data ?? new Map(), NO_COUNTS),
    [names.data, metadata.data],
  );
  const filter = useDeferredValue(typed);
  const shown = useMemo(() => selectEntries(entries, { f: filter, type: 'all', sort: 'name' }), [entries, filter]);
  const scroller = useRef<HTMLDivElement>(null);
  const view = useVirtualRows(shown.length, ROW_PX, scroller);
  const chosen = entries.find(({ name }) => name === state.metric);
  const search = (text: string) => {
    setTyped(text);
    set({ find: text }, { replace: true });
  };
  return (
    <section className={`bw-panel ${classes.browser}`} aria-label="Metric browser">
      <div className={classes.list}>
        <TextInput
          aria-label="Search metrics"
          placeholder="Search by name or help"
          leftSection={<IconSearch size={14} aria-hidden="true" />}
          value={typed}
          onChange={(event) => search(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && shown[0] !== undefined) set({ metric: shown[0].name }, { replace: true });
          }}
        />
        <p className="bw-note" role="status">
          {names.data === undefined
            ? ''
            : shown.length === entries.length
              ? plural(entries.length, 'metric')
              : `${formatCount(shown.length)} of ${plural(entries.length, 'metric')}`}
        </p>
        {names.isPending && <Loading height={240} />}
        {names.error !== null && <ErrorCard error={names.error} onRetry={() => void names.refetch()} />}
        {names.data !== undefined && entries.length === 0 && (
          <EmptyState icon={IconDatabaseOff} title="Nothing is stored yet" />
        )}
        {entries.length > 0 && shown.length === 0 && (
          <EmptyState
            icon={IconFilterOff}
            title="No metric matches"
            action={<Button onClick={() => search('')}>Clear the search</Button>}
          />
        )}
        {shown.length > 0 && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
          <section className={classes.scroller} ref={scroller} aria-label="Metrics" tabIndex={0}>
            <ul>
              {view.before > 0 && <li aria-hidden="true" style={{ height: view.before }} />}
              {view.rows.map((index) => {
                const entry = shown[index];
                if (entry === undefined) return null;
                return (
                  <li key={entry.name}>
                    <UnstyledButton
                      className={classes.metric}
                      aria-pressed={entry.name === state.metric}
                      title={entry.help}
                      onClick={() => set({ metric: entry.name }, { replace: true })}
                      onDoubleClick={() => onInsert(entry.name)}
                    >
                      <span className={classes.name}>{entry.name}</span>
                      <TypeBadge type={entry.type} />
                    </UnstyledButton>
                  </li>
                );
              })}
              {view.after > 0 && <li aria-hidden="true" style={{ height: view.after }} />}
            </ul>
          </section>
        )}
      </div>
      <div className={classes.details}>
        <ActionIcon
          className={classes.close ?? ''}
          aria-label="Close the metric browser"
          onClick={() => set({ browse: 'off' })}
        >
          <IconX size={15} />
        </ActionIcon>
        {metadata.error !== null && (
          <ErrorCard title="Type and help are missing" error={metadata.error} onRetry={() => void metadata.refetch()} />
        )}
        {chosen === undefined ? (
          <EmptyState icon={IconListSearch} title="Choose a metric">
            Its type, unit, help, labels and their values are shown here.
          </EmptyState>
        ) : (
          <MetricDetails key={chosen.name} entry={chosen} full={full} onInsert={onInsert} onAdd={onAdd} />
        )}
      </div>
    </section>
  );
}
