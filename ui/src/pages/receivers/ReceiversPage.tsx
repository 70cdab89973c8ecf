import { Button } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useState } from 'react';
import { NoRouter } from '../../alerting/NoRouter';
import { isNoRouter } from '../../alerting/useAlerts';
import type { Integration, Receiver } from '../../api/alerting';
import { RECEIVERS_QUERY } from '../../api/queries';
import { formatCount, plural } from '../../format/value';
import type { Column } from '../../lists/columns';
import { FilterBar } from '../../lists/FilterBar';
import { FilteredOut } from '../../lists/FilteredOut';
import { ListTable } from '../../lists/ListTable';
import type { ListGroup } from '../../lists/lines';
import { wordFilter } from '../../lists/matches';
import type { GroupHead } from '../../lists/rows';
import { PageLink, useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { Answer } from '../../states/Answer';
import { StateWord } from '../../states/StateWord';
import { formatSince } from '../../time/duration';
import { notificationsCodec, receiversCodec } from '../../url/alerting';
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
      <FilterBar
        label="Filter by name, kind or error"
        value={state.f}
        onFilter={(f) => set({ f }, { replace: true })}
      />
      <Answer query={query} height={320}>
        {(all) => <Receivers all={all} />}
      </Answer>
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

interface Listed {
  receiver: Receiver;
  integration: Integration;
}

function Receivers({ all }: { all: readonly Receiver[] }) {
  const go = useGo();
  const [state, set] = useUrlState(receiversCodec);
  const [testing, setTesting] = useState<Receiver>();
  const filter = useDeferredValue(state.f);
  const shown = useMemo(() => {
    const matches = wordFilter(filter);
    return all.filter(({ name, integrations }) =>
      matches([name, ...integrations.flatMap(({ type, lastError }) => [type, lastError])].join(' ')),
    );
  }, [all, filter]);
  const groups = useMemo(() => shown.map((receiver) => listedReceiver(receiver, setTesting)), [shown]);
  const now = useNow();
  const ago = (text: string | null) => (text === null ? 'never' : formatSince(Date.parse(text), now));
  if (shown.length === 0) {
    return <FilteredOut what="receiver" total={all.length} onClear={() => set({ f: '' })} />;
  }
  const columns: Column<Listed>[] = [
    { head: 'State', cell: ({ integration }) => <IntegrationState integration={integration} /> },
    {
      head: 'Integration',
      main: true,
      cell: ({ integration: { type, index, sendResolved } }) => (
        <>
          {type}[{index}] {!sendResolved && <span className="bw-dim">firing only</span>}
        </>
      ),
    },
    { head: 'Last success', numeric: true, cell: ({ integration }) => ago(integration.lastSuccess) },
    { head: 'Last failure', extra: true, numeric: true, cell: ({ integration }) => ago(integration.lastFailure) },
    {
      head: 'Sent since the start',
      extra: true,
      numeric: true,
      cell: ({ integration }) => formatCount(integration.sent),
    },
    {
      head: 'Failed since the start',
      extra: true,
      numeric: true,
      cell: ({ integration }) => formatCount(integration.failed),
    },
  ];
  return (
    <>
      <ListTable
        label="Receivers"
        columns={columns}
        groups={groups}
        keyOf={keyOf}
        errorOf={errorOf}
        onOpen={({ receiver }) => go(sentTo(receiver))}
      />
      {testing !== undefined && <TestDialog receiver={testing} onClose={() => setTesting(undefined)} />}
    </>
  );
}

const keyOf = ({ integration: { type, index } }: Listed) => `${type} ${index}`;
const errorOf = ({ integration: { lastError } }: Listed) => (lastError === '' ? undefined : { error: lastError });

const sentTo = ({ name }: Receiver) =>
  ({ to: '/notifications', search: notificationsCodec.encode({ receiver: name }) }) as const;

function listedReceiver(receiver: Receiver, onTest: (receiver: Receiver) => void): ListGroup<Listed> {
  const { name, integrations } = receiver;
  const head = (): GroupHead => ({
    name,
    note:
      integrations.length === 0 ? (
        'It has no integration: whoever is routed here tells nobody.'
      ) : (
        <PageLink {...sentTo(receiver)}>what it was sent</PageLink>
      ),
    actions: integrations.some(({ supported }) => supported) && (
      <Button
        size="compact-xs"
        leftSection={<IconSend size={13} aria-hidden="true" />}
        aria-label={`Test ${name}`}
        onClick={() => onTest(receiver)}
      >
        Test
      </Button>
    ),
  });
  return { key: name, head, rows: integrations.map((integration) => ({ receiver, integration })) };
}

function IntegrationState({ integration }: { integration: Integration }) {
  if (!integration.supported) return <StateWord look="warn">Not supported</StateWord>;
  if (integration.circuit === 'open') return <StateWord look="bad">Left alone</StateWord>;
  if (isFailing(integration)) return <StateWord look="bad">Failing</StateWord>;
  if (integration.lastSuccess === null) return <StateWord look="unknown">Not used yet</StateWord>;
  return <StateWord look="ok">Works</StateWord>;
}
