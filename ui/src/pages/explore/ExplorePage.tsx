import { Button, Tabs } from '@mantine/core';
import { IconChartLine, IconPlayerPlay, IconPlus, IconTable } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useRangeQueries } from '../../charts/useRangeQueries';
import { useUrlState } from '../../nav/useUrlState';
import { completionClient } from '../../promql/completionClient';
import { commonUnit } from '../../promql/unit';
import { PageHeader } from '../../shell/PageHeader';
import { Boundary } from '../../states/Boundary';
import { Loading } from '../../states/Loading';
import { exploreCodec } from '../../url/pages';
import { letter, MOST_QUERIES } from './drafts';
import classes from './explore.module.css';
import { GraphTab } from './GraphTab';
import { HistoryMenu } from './HistoryMenu';
import { NoQuery, NoResult } from './NoResult';
import { Options } from './Options';
import { QueryRow } from './QueryRow';
import { TableTab } from './TableTab';
import { useDrafts } from './useDrafts';
import { useInstantQueries } from './useInstantQueries';

const GRAPH_PX = 420;

/** Questions in PromQL, answered as a graph or a table. */
export function ExplorePage() {
  const [state, set] = useUrlState(exploreCodec);
  const [client] = useState(completionClient);
  const { drafts, edit, add, remove, toggle, run, runOnly } = useDrafts(state, set);

  const asked = useMemo(
    () =>
      state.q
        .map((expression, i) => ({ id: letter(i), expression, on: !state.off.includes(i) }))
        .filter(({ expression, on }) => on && expression !== ''),
    [state.q, state.off],
  );
  const instant = state.tab === 'table' && state.at === 'instant';
  const range = useRangeQueries(instant ? [] : asked, state.step);
  const table = useInstantQueries(instant ? asked : []);
  const { states, stale, cancel } = instant ? table : range;
  const unit = state.unit === 'auto' ? commonUnit(asked.map(({ expression }) => expression)) : state.unit;

  const settled = states.every(({ loading }) => !loading);
  const empty = settled && states.length > 0 && states.every((one) => isEmpty(one.answer?.data.result));
  const failed = states.length > 0 && states.every(({ error, cancelled }) => error !== undefined || cancelled);
  return (
    <>
      <PageHeader title="Explore">
        <HistoryMenu onPick={runOnly} />
      </PageHeader>
      <section className={`bw-panel ${classes.queries}`} aria-label="Queries">
        {drafts.map((draft, i) => (
          <QueryRow
            key={draft.id}
            name={letter(i)}
            draft={draft}
            progress={draft.on ? states.find(({ id }) => id === letter(i)) : undefined}
            client={client}
            only={drafts.length === 1}
            onEdit={(text) => edit(draft.id, text)}
            onRun={run}
            onToggle={() => toggle(draft.id)}
            onRemove={() => remove(draft.id)}
            onCancel={cancel}
          />
        ))}
        <div className={classes.actions}>
          <Button variant="filled" leftSection={<IconPlayerPlay size={14} aria-hidden="true" />} onClick={run}>
            Run
          </Button>
          <Button
            leftSection={<IconPlus size={14} aria-hidden="true" />}
            disabled={drafts.length >= MOST_QUERIES}
            onClick={add}
          >
            Add query
          </Button>
          <span className={classes.spread} />
          <Options state={state} set={set} step={range.step} unit={unit} />
        </div>
      </section>
      <Tabs
        className="bw-panel"
        value={state.tab}
        onChange={(tab) => set({ tab: tab === 'table' ? 'table' : 'graph' })}
        keepMounted={false}
      >
        <Tabs.List>
          <Tabs.Tab value="graph" leftSection={<IconChartLine size={15} aria-hidden="true" />}>
            Graph
          </Tabs.Tab>
          <Tabs.Tab value="table" leftSection={<IconTable size={15} aria-hidden="true" />}>
            Table
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value={state.tab}>
          <Boundary key={state.tab} what="The result">
            {asked.length === 0 && <NoQuery onRun={runOnly} />}
            {asked.length > 0 && failed && <p className="bw-note">There is nothing to show: see above.</p>}
            {!failed && empty && <NoResult expressions={asked.map(({ expression }) => expression)} onRun={runOnly} />}
            {asked.length > 0 &&
              !failed &&
              !empty &&
              state.tab === 'graph' &&
              (range.drawing === undefined || (range.stale && range.drawing.lines.length === 0) ? (
                <Loading height={GRAPH_PX} label="The query is running" />
              ) : (
                <GraphTab
                  drawing={range.drawing}
                  stale={range.stale}
                  unit={unit}
                  tagged={asked.length > 1}
                  state={state}
                  set={set}
                />
              ))}
            {asked.length > 0 && !failed && !empty && state.tab === 'table' && (
              <TableTab
                state={state}
                set={set}
                states={table.states}
                unit={unit}
                drawing={range.drawing}
                stale={stale}
              />
            )}
          </Boundary>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function isEmpty(result: { type: string; series?: unknown[]; samples?: unknown[] } | undefined): boolean {
  if (result === undefined) return true;
  return (result.series ?? result.samples)?.length === 0;
}
