import { Button, Tabs } from '@mantine/core';
import {
  IconChartGridDots,
  IconChartLine,
  IconListSearch,
  IconMessage2,
  IconPlayerPlay,
  IconPlus,
  IconSitemap,
  IconTable,
} from '@tabler/icons-react';
import { lazy, Suspense, useMemo, useRef, useState } from 'react';
import { serverAddress } from '../../api/base';
import { useRangeQueries } from '../../charts/useRangeQueries';
import { useTime } from '../../nav/time';
import { useUrlState } from '../../nav/useUrlState';
import { completionClient } from '../../promql/completionClient';
import type { InsertText } from '../../promql/PromqlEditor';
import { commonUnit } from '../../promql/unit';
import { PageHeader } from '../../shell/PageHeader';
import { Boundary } from '../../states/Boundary';
import { Loading } from '../../states/Loading';
import { alignSpan } from '../../time/step';
import { exploreCodec } from '../../url/pages';
import { curlCommand } from './curl';
import { letter, MOST_QUERIES } from './drafts';
import classes from './explore.module.css';
import { GraphTab } from './GraphTab';
import { HistoryButton } from './HistoryButton';
import { Options } from './Options';
import { QueryRow } from './QueryRow';
import { looksByQuery, shownLines } from './shown';
import { useDrafts } from './useDrafts';
import { useInstantQueries } from './useInstantQueries';

const GRAPH_PX = 420;

// What not everybody opens comes when it is opened.
const NoQuery = lazy(async () => ({ default: (await import('./NoResult')).NoQuery }));
const NoResult = lazy(async () => ({ default: (await import('./NoResult')).NoResult }));
const TableTab = lazy(async () => ({ default: (await import('./TableTab')).TableTab }));
const HeatmapTab = lazy(async () => ({ default: (await import('./heatmap/HeatmapTab')).HeatmapTab }));
const TreeTab = lazy(async () => ({ default: (await import('./tree/TreeTab')).TreeTab }));
const ExplainTab = lazy(async () => ({ default: (await import('./explain/ExplainTab')).ExplainTab }));
const MetricBrowser = lazy(async () => ({ default: (await import('./browser/MetricBrowser')).MetricBrowser }));

const TABS = [
  { value: 'graph', label: 'Graph', Icon: IconChartLine },
  { value: 'table', label: 'Table', Icon: IconTable },
  { value: 'heatmap', label: 'Heatmap', Icon: IconChartGridDots },
  { value: 'tree', label: 'Tree', Icon: IconSitemap },
  { value: 'explain', label: 'Explain', Icon: IconMessage2 },
] as const;

/** Questions in PromQL, answered as a graph, a table, a heatmap; taken apart as a tree; put in words. */
export function ExplorePage() {
  const [state, set] = useUrlState(exploreCodec);
  const { span } = useTime();
  const [client] = useState(completionClient);
  const { drafts, edit, add, duplicate, remove, toggle, run, runOnly } = useDrafts(state, set);
  const inserts = useRef(new Map<number, InsertText>());
  const focused = useRef<number>(undefined);

  const asked = useMemo(
    () =>
      state.q
        .map((expression, i) => ({ id: letter(i), expression, on: !state.off.includes(i) }))
        .filter(({ expression, on }) => on && expression !== ''),
    [state.q, state.off],
  );
  const { tab } = state;
  // Taking a query apart needs no answer to it.
  const apart = tab === 'tree' || tab === 'explain';
  const instant = tab === 'table' && state.at === 'instant';
  const range = useRangeQueries(instant || apart ? NONE : asked, state.step);
  const table = useInstantQueries(instant ? asked : NONE);
  const { states, stale, cancel } = instant ? table : range;
  const unit = state.unit === 'auto' ? commonUnit(asked.map(({ expression }) => expression)) : state.unit;
  const { drawing, step } = range;
  const { top, rank } = state;
  const lines = useMemo(() => shownLines(drawing?.lines ?? [], { top, rank }), [drawing, top, rank]);
  const looks = useMemo(() => looksByQuery(lines), [lines]);

  const settled = states.every(({ loading }) => !loading);
  const empty = settled && states.length > 0 && states.every((one) => isEmpty(one.answer?.data.result));
  const failed = states.length > 0 && states.every(({ error, cancelled }) => error !== undefined || cancelled);
  const about = asked.find(({ id }) => id === letter(state.of)) ?? asked[0];

  const curl = (expression: string) =>
    curlCommand(serverAddress, {
      expression,
      time: instant ? { at: span.end } : { ...alignSpan(span, step), step },
    });
  const insert = (text: string) => {
    const draft = drafts.find(({ id }) => id === focused.current) ?? drafts[0];
    if (draft !== undefined) inserts.current.get(draft.id)?.(text);
  };
  return (
    <>
      <PageHeader title="Explore">
        <Button
          leftSection={<IconListSearch size={14} aria-hidden="true" />}
          aria-expanded={state.browse === 'on'}
          onClick={() => set({ browse: state.browse === 'on' ? 'off' : 'on' })}
        >
          Metric browser
        </Button>
        <HistoryButton onRun={runOnly} onInsert={insert} />
      </PageHeader>
      <section className={`bw-panel ${classes.queries}`} aria-label="Queries">
        {drafts.map((draft, i) => (
          <QueryRow
            key={draft.id}
            name={letter(i)}
            draft={draft}
            progress={draft.on ? states.find(({ id }) => id === letter(i)) : undefined}
            ran={state.q[i]}
            client={client}
            only={drafts.length === 1}
            full={drafts.length >= MOST_QUERIES}
            looks={(tab === 'graph' && draft.on && looks.get(letter(i))) || NO_LOOKS}
            curl={() => curl(draft.text.trim())}
            onEdit={(text) => edit(draft.id, text)}
            onRun={run}
            onToggle={() => toggle(draft.id)}
            onDuplicate={() => duplicate(draft.id)}
            onRemove={() => remove(draft.id)}
            onCancel={cancel}
            onFocus={() => {
              focused.current = draft.id;
            }}
            onReady={(write) => {
              if (write === undefined) inserts.current.delete(draft.id);
              else inserts.current.set(draft.id, write);
            }}
          />
        ))}
        <div className={classes.actions}>
          <Button variant="filled" leftSection={<IconPlayerPlay size={14} aria-hidden="true" />} onClick={run}>
            Run
          </Button>
          <Button
            leftSection={<IconPlus size={14} aria-hidden="true" />}
            disabled={drafts.length >= MOST_QUERIES}
            onClick={() => add()}
          >
            Add query
          </Button>
          <span className={classes.spread} />
          <Options state={state} set={set} step={step} unit={unit} />
        </div>
      </section>
      {state.browse === 'on' && (
        <Boundary what="The metric browser">
          <Suspense fallback={<Loading height={320} />}>
            <MetricBrowser
              state={state}
              set={set}
              full={drafts.length >= MOST_QUERIES}
              onInsert={insert}
              onAdd={(text) => add(text)}
            />
          </Suspense>
        </Boundary>
      )}
      <Tabs
        className="bw-panel"
        value={tab}
        onChange={(value) => set({ tab: TABS.find((one) => one.value === value)?.value ?? 'graph' })}
        keepMounted={false}
      >
        <Tabs.List>
          {TABS.map(({ value, label, Icon }) => (
            <Tabs.Tab key={value} value={value} leftSection={<Icon size={15} aria-hidden="true" />}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>
          <Boundary key={tab} what="The result">
            <Suspense fallback={<Loading height={GRAPH_PX} />}>
              {about === undefined && <NoQuery onRun={runOnly} />}
              {about !== undefined && tab === 'tree' && (
                <TreeTab
                  key={about.expression}
                  about={about}
                  asked={asked}
                  set={set}
                  full={drafts.length >= MOST_QUERIES}
                  onAdd={(text) => add(text)}
                />
              )}
              {about !== undefined && tab === 'explain' && (
                <ExplainTab key={about.expression} about={about} asked={asked} set={set} />
              )}
              {about !== undefined && !apart && failed && (
                <p className="bw-note">There is nothing to show: see above.</p>
              )}
              {about !== undefined && !apart && !failed && empty && (
                <NoResult expressions={asked.map(({ expression }) => expression)} onRun={runOnly} />
              )}
              {about !== undefined &&
                !failed &&
                !empty &&
                tab === 'graph' &&
                (drawing === undefined || (range.stale && drawing.lines.length === 0) ? (
                  <Loading height={GRAPH_PX} label="The query is running" />
                ) : (
                  <GraphTab
                    drawing={drawing}
                    lines={lines}
                    stale={range.stale}
                    unit={unit}
                    asked={asked}
                    state={state}
                    set={set}
                  />
                ))}
              {about !== undefined && !failed && !empty && tab === 'table' && (
                <TableTab state={state} set={set} states={table.states} unit={unit} drawing={drawing} stale={stale} />
              )}
              {about !== undefined && !failed && !empty && tab === 'heatmap' && (
                <HeatmapTab about={about} asked={asked} set={set} range={range} step={state.step} unit={state.unit} />
              )}
            </Suspense>
          </Boundary>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

const NONE: readonly never[] = [];
const NO_LOOKS: readonly never[] = [];

function isEmpty(result: { type: string; series?: unknown[]; samples?: unknown[] } | undefined): boolean {
  if (result === undefined) return true;
  return (result.series ?? result.samples)?.length === 0;
}
