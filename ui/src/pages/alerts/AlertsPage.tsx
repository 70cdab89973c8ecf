import { type ReactNode, useDeferredValue, useMemo } from 'react';
import classes from '../../alerting/alerting.module.css';
import { type Alert, countStates, isTold, labelNames } from '../../alerting/alerts';
import { labelFilter } from '../../alerting/matchers';
import { matrixLabels } from '../../alerting/matrix';
import { ReceiverChoice } from '../../alerting/ReceiverChoice';
import { useAlerts } from '../../alerting/useAlerts';
import { formatCount, plural } from '../../format/value';
import { Choice } from '../../lists/Choice';
import { FilterBar } from '../../lists/FilterBar';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { alertsCodec } from '../../url/alerting';
import { AlertList } from './AlertList';
import own from './alerts.module.css';
import { GroupMenu } from './GroupMenu';
import { MatrixAxes } from './MatrixAxes';

const STATES = { all: 'All', firing: 'Firing', pending: 'Pending', suppressed: 'Suppressed' } as const;
const VIEWS = { list: 'List', matrix: 'Matrix' } as const;

/** What fires now and what is about to, who is told, and what keeps them from being told. */
export function AlertsPage() {
  const [state, set] = useUrlState(alertsCodec);
  const { alerts, noRouter, errors } = useAlerts();
  const names = useMemo(() => labelNames(alerts ?? []), [alerts]);
  const axes = useMemo(
    () => matrixLabels(names, { rows: state.rows, columns: state.cols }),
    [names, state.rows, state.cols],
  );
  const text = useDeferredValue(state.f);
  const filter = useMemo(() => labelFilter(text), [text]);
  const shown = useMemo(
    () =>
      (alerts ?? []).filter(
        (alert) =>
          (state.state === 'all' || alert.state === state.state) &&
          (state.receiver === '' || isTold(state.receiver, alert)) &&
          filter.matches(alert.labels, searched(alert)),
      ),
    [alerts, filter, state.state, state.receiver],
  );
  return (
    <>
      <PageHeader title="Alerts" note={alerts && note(alerts)} />
      <FilterBar
        label='Filter by words, or by matchers such as severity="page"'
        value={state.f}
        onFilter={(f) => set({ f }, { replace: true })}
      >
        <Choice label="State" value={state.state} options={STATES} onChange={(state) => set({ state })} />
        {!noRouter && <ReceiverChoice value={state.receiver} onChange={(receiver) => set({ receiver })} />}
        <Choice label="View" value={state.view} options={VIEWS} onChange={(view) => set({ view })} />
        {state.view === 'matrix' ? (
          <MatrixAxes labels={axes} names={names} onChange={set} />
        ) : (
          <GroupMenu by={state.by} names={names} onChange={(by) => set({ by })} />
        )}
      </FilterBar>
      {filter.problem !== undefined && (
        <p className={classes.problem} role="alert">
          The filter cannot be used: {filter.problem}
        </p>
      )}
      {errors.map(({ error, retry }) => (
        <ErrorCard key={String(error)} error={error} onRetry={retry} />
      ))}
      {noRouter && (
        <p className="bw-note" role="note">
          This server has no routing configuration: it tells nobody, and nothing can be silenced here.
        </p>
      )}
      {alerts === undefined && <Loading height={420} />}
      {alerts !== undefined && (
        <AlertList
          all={alerts}
          shown={shown}
          filter={filter}
          axes={state.view === 'matrix' ? axes : undefined}
          noRouter={noRouter}
          failed={errors.length > 0}
        />
      )}
    </>
  );
}

/** What of an alert can be searched for words. */
function searched({ key, annotations }: Alert): string {
  return [key, ...Object.values(annotations)].join(' ');
}

function note(alerts: readonly Alert[]): ReactNode {
  if (alerts.length === 0) return 'none';
  const { firing, pending, suppressed } = countStates(alerts);
  const rest = [
    pending > 0 && `${formatCount(pending)} pending`,
    suppressed > 0 && `${formatCount(suppressed)} suppressed`,
  ];
  return (
    <>
      {plural(alerts.length, 'alert')}
      {firing > 0 && (
        <>
          , <span className={own.firing}>{formatCount(firing)} firing</span>
        </>
      )}
      {rest.filter((part) => part !== false).map((part) => `, ${part}`)}
    </>
  );
}
