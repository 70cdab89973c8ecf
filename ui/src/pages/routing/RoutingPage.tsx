import { TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { parseMatchers } from '../../alerting/matchers';
import { NoRouter } from '../../alerting/NoRouter';
import { isNoRouter } from '../../alerting/useAlerts';
import type { InhibitRule } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { plural } from '../../format/value';
import type { Labels } from '../../labels/labels';
import { usePausing } from '../../lists/usePausing';
import { useUrlState } from '../../nav/useUrlState';
import { Columns, Panel } from '../../panel/Panel';
import { PageHeader } from '../../shell/PageHeader';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { routingCodec } from '../../url/alerting';
import { RouteAnswerView } from './RouteAnswerView';
import { RouteTreeView } from './RouteTreeView';
import classes from './routing.module.css';

const PAUSE_MS = 250;

/** Who is told about what: the routing tree, and what it makes of labels that are typed in. */
export function RoutingPage() {
  const tree = useQuery({ queryKey: ['route', 'tree'], queryFn: ({ signal }) => alerting.routeTree(signal) });
  const [{ labels: text }, set] = useUrlState(routingCodec);
  const [asked] = useDebouncedValue(text, PAUSE_MS);
  const { labels, problem } = readLabels(asked);
  const route = useQuery({
    queryKey: ['route', asked],
    queryFn: ({ signal }) => alerting.route(labels, signal),
    enabled: asked.trim() !== '' && problem === undefined && tree.data !== undefined,
    placeholderData: keepPreviousData,
  });
  if (isNoRouter(tree.error)) {
    return (
      <>
        <PageHeader title="Routing" />
        <NoRouter />
      </>
    );
  }
  const answer = asked.trim() === '' || problem !== undefined ? undefined : route.data;
  return (
    <>
      <PageHeader title="Routing" />
      <Panel title="Who would be told?">
        <LabelsField value={text} problem={problem} onChange={(next) => set({ labels: next }, { replace: true })} />
        {asked.trim() === '' && (
          <p className={classes.hint}>
            Type the labels of an alert; the way it takes is marked in the tree. The details of an alert lead here with
            its labels.
          </p>
        )}
        {route.error !== null && <ErrorCard error={route.error} onRetry={() => void route.refetch()} />}
        {answer !== undefined && <RouteAnswerView answer={answer} />}
      </Panel>
      {tree.error !== null && <ErrorCard error={tree.error} onRetry={() => void tree.refetch()} />}
      {tree.isPending && <Loading height={320} />}
      {tree.data !== undefined && (
        <>
          <Panel title="Routing tree" note="the first child that matches takes an alert, unless it says to continue">
            <RouteTreeView root={tree.data} taken={answer?.routes.map(({ id }) => id) ?? []} />
          </Panel>
          <Columns>
            <TimeIntervals intervals={tree.data.timeIntervals} />
            <InhibitRules rules={tree.data.inhibitRules} />
          </Columns>
        </>
      )}
    </>
  );
}

/** Labels as people type them; only equality names a label. */
function readLabels(text: string): { labels: Labels; problem: string | undefined } {
  const matchers = parseMatchers(text);
  if (matchers === undefined || matchers.some(({ op }) => op !== '=')) {
    return { labels: {}, problem: 'Labels are written as {alertname="X", severity="page"}.' };
  }
  return { labels: Object.fromEntries(matchers.map(({ name, value }) => [name, value])), problem: undefined };
}

interface LabelsFieldProps {
  value: string;
  problem: string | undefined;
  onChange(text: string): void;
}

function LabelsField({ value, problem, onChange }: LabelsFieldProps) {
  const { text, edit } = usePausing(value, onChange);
  return (
    <TextInput
      aria-label="Labels of an alert"
      placeholder='{alertname="HighErrors", severity="page"}'
      classNames={{ input: classes.labels ?? '' }}
      value={text}
      error={problem}
      onChange={(event) => edit(event.currentTarget.value)}
    />
  );
}

function TimeIntervals({ intervals }: { intervals: Readonly<Record<string, string>> }) {
  const all = Object.entries(intervals);
  return (
    <Panel title="Time intervals" note={all.length === 0 ? 'none' : plural(all.length, 'interval')}>
      {all.length > 0 && (
        <dl className={classes.intervals}>
          {all.map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <pre>{text}</pre>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {all.length === 0 && <p className={classes.hint}>No route depends on the time of day.</p>}
    </Panel>
  );
}

function InhibitRules({ rules }: { rules: readonly InhibitRule[] }) {
  return (
    <Panel title="Inhibition" note={rules.length === 0 ? 'none' : plural(rules.length, 'rule')}>
      {rules.length === 0 && <p className={classes.hint}>No alert keeps another one quiet.</p>}
      <ul className={classes.inhibit}>
        {rules.map(({ sourceMatchers, targetMatchers, equal, builtIn }, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rules stay in the order of the file, and may repeat
          <li key={place}>
            <code>{`{${sourceMatchers.join(', ')}}`}</code> keeps quiet <code>{`{${targetMatchers.join(', ')}}`}</code>
            {equal.length > 0 && (
              <>
                {' '}
                with the same <code>{equal.join(', ')}</code>
              </>
            )}
            {builtIn && ' (built in)'}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
