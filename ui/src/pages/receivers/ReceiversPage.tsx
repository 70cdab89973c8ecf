import { Button } from '@mantine/core';
import { IconFilterOff, IconSend } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import classes from '../../alerting/alerting.module.css';
import { NoRouter } from '../../alerting/NoRouter';
import { isNoRouter } from '../../alerting/useAlerts';
import type { Integration, Receiver } from '../../api/alerting';
import { RECEIVERS_QUERY } from '../../api/queries';
import { formatCount, plural } from '../../format/value';
import { FilterField } from '../../lists/FilterField';
import { wordFilter } from '../../lists/matches';
import { PageLink } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { useUrlState } from '../../nav/useUrlState';
import { Panel } from '../../panel/Panel';
import { PageHeader } from '../../shell/PageHeader';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { StateWord } from '../../states/StateWord';
import { formatAgo } from '../../time/duration';
import { notificationsCodec, receiversCodec } from '../../url/alerting';
import own from './receivers.module.css';
import { TestDialog } from './TestDialog';

const REFRESH_MS = 5000;

/** Who can be told, by what means, and whether that works. */
export function ReceiversPage() {
  const [state, set] = useUrlState(receiversCodec);
  const query = useQuery({ ...RECEIVERS_QUERY, refetchInterval: REFRESH_MS });
  if (isNoRouter(query.error)) {
    return (
      <>
        <PageHeader title="Receivers" />
        <NoRouter />
      </>
    );
  }
  return (
    <>
      <PageHeader title="Receivers" note={query.data && note(query.data)} />
      <div className={classes.bar}>
        <FilterField
          label="Filter by name, kind or error"
          value={state.f}
          onChange={(f) => set({ f }, { replace: true })}
        />
      </div>
      {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading height={320} />}
      {query.data !== undefined && <Receivers all={query.data} />}
    </>
  );
}

function note(receivers: readonly Receiver[]): string {
  const failing = receivers.flatMap(({ integrations }) => integrations).filter(isFailing).length;
  const all = plural(receivers.length, 'receiver');
  return failing === 0 ? all : `${all}, ${plural(failing, 'integration')} failing`;
}

/** Whether the last try failed. */
function isFailing({ lastSuccess, lastFailure }: Integration): boolean {
  if (lastFailure === null) return false;
  return lastSuccess === null || Date.parse(lastFailure) > Date.parse(lastSuccess);
}

function Receivers({ all }: { all: readonly Receiver[] }) {
  const [state, set] = useUrlState(receiversCodec);
  const [testing, setTesting] = useState<Receiver>();
  const matches = wordFilter(useDeferredValue(state.f));
  const shown = all.filter(({ name, integrations }) =>
    matches([name, ...integrations.flatMap(({ type, lastError }) => [type, lastError])].join(' ')),
  );
  if (shown.length === 0) {
    return (
      <EmptyState
        icon={IconFilterOff}
        title="No receiver passes the filter"
        action={<Button onClick={() => set({ f: '' })}>Clear the filter</Button>}
      >
        All of {plural(all.length, 'receiver')} are hidden by it.
      </EmptyState>
    );
  }
  return (
    <>
      {shown.map((receiver) => (
        <ReceiverPanel key={receiver.name} receiver={receiver} onTest={() => setTesting(receiver)} />
      ))}
      {testing !== undefined && <TestDialog receiver={testing} onClose={() => setTesting(undefined)} />}
    </>
  );
}

function ReceiverPanel({ receiver, onTest }: { receiver: Receiver; onTest(): void }) {
  const { name, integrations } = receiver;
  return (
    <Panel
      title={name}
      flush
      note={
        <PageLink to="/notifications" search={notificationsCodec.encode({ receiver: name })}>
          what it was sent
        </PageLink>
      }
      actions={
        integrations.some(({ supported }) => supported) && (
          <Button
            size="compact-xs"
            leftSection={<IconSend size={13} aria-hidden="true" />}
            aria-label={`Test ${name}`}
            onClick={onTest}
          >
            Test
          </Button>
        )
      }
    >
      {integrations.length === 0 ? (
        <p className="bw-note">It has no integration: whoever is routed here tells nobody.</p>
      ) : (
        <div className={own.scroller}>
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">Integration</th>
                <th scope="col">Last success</th>
                <th scope="col" className={classes.extra}>
                  Last failure
                </th>
                <th scope="col" data-numeric className={classes.extra}>
                  Sent
                </th>
                <th scope="col" data-numeric className={classes.extra}>
                  Failed
                </th>
              </tr>
            </thead>
            <tbody>
              {integrations.map((integration) => (
                <IntegrationRow key={`${integration.type} ${integration.index}`} integration={integration} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function IntegrationRow({ integration }: { integration: Integration }) {
  const { type, index, sendResolved, lastSuccess, lastFailure, lastError, sent, failed } = integration;
  const now = useNow();
  const ago = (text: string | null) => (text === null ? 'never' : formatAgo(Math.max(0, now - Date.parse(text))));
  return (
    <>
      <tr>
        <td>
          <IntegrationState integration={integration} />
        </td>
        <th scope="row" className={classes.grow}>
          {type}[{index}] {!sendResolved && <span className="bw-dim">firing only</span>}
        </th>
        <td>{ago(lastSuccess)}</td>
        <td className={classes.extra}>{ago(lastFailure)}</td>
        <td data-numeric className={classes.extra}>
          {formatCount(sent)}
        </td>
        <td data-numeric className={classes.extra}>
          {formatCount(failed)}
        </td>
      </tr>
      {lastError !== '' && (
        <tr className={own.error}>
          <td />
          <td colSpan={5}>{lastError}</td>
        </tr>
      )}
    </>
  );
}

function IntegrationState({ integration }: { integration: Integration }) {
  if (!integration.supported) return <StateWord look="warn">Not supported</StateWord>;
  if (integration.circuit === 'open') return <StateWord look="bad">Left alone</StateWord>;
  if (isFailing(integration)) return <StateWord look="bad">Failing</StateWord>;
  if (integration.lastSuccess === null) return <StateWord look="unknown">Not used yet</StateWord>;
  return <StateWord look="ok">Works</StateWord>;
}
