import { Button } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useState } from 'react';
import { NoRouter } from '../../alerting/NoRouter';
import { isNoRouter } from '../../alerting/useAlerts';
import type { Integration, Receiver } from '../../api/alerting';
import { RECEIVERS_QUERY } from '../../api/queries';
import { formatCount, plural } from '../../format/value';
import { FilterBar } from '../../lists/FilterBar';
import { FilteredOut } from '../../lists/FilteredOut';
import { ListTable } from '../../lists/ListTable';
import { wordFilter } from '../../lists/matches';
import { ErrorRow, GroupRow, MainCell, ROW_PX, Row } from '../../lists/rows';
import { PageLink, useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { Answer } from '../../states/Answer';
import { StateWord } from '../../states/StateWord';
import { formatAgo } from '../../time/duration';
import { notificationsCodec, receiversCodec } from '../../url/alerting';
import { TestDialog } from './TestDialog';

const REFRESH_MS = 5000;
const COLUMNS = 6;

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

type Listed =
  | { kind: 'receiver'; receiver: Receiver }
  | { kind: 'integration' | 'error'; receiver: Receiver; integration: Integration };

function Receivers({ all }: { all: readonly Receiver[] }) {
  const go = useGo();
  const [state, set] = useUrlState(receiversCodec);
  const [testing, setTesting] = useState<Receiver>();
  const filter = useDeferredValue(state.f);
  const rows = useMemo(() => {
    const matches = wordFilter(filter);
    const shown = all.filter(({ name, integrations }) =>
      matches([name, ...integrations.flatMap(({ type, lastError }) => [type, lastError])].join(' ')),
    );
    return shown.flatMap(rowsOf);
  }, [all, filter]);
  if (rows.length === 0) {
    return <FilteredOut what="receiver" total={all.length} onClear={() => set({ f: '' })} />;
  }
  return (
    <>
      <ListTable
        label="Receivers"
        columns={COLUMNS}
        head={
          <>
            <th scope="col">State</th>
            <th scope="col">Integration</th>
            <th scope="col" data-numeric>
              Last success
            </th>
            <th scope="col" data-extra data-numeric>
              Last failure
            </th>
            <th scope="col" data-extra data-numeric>
              Sent since the start
            </th>
            <th scope="col" data-extra data-numeric>
              Failed since the start
            </th>
          </>
        }
        rows={rows}
        rowPx={heightOf}
        stops={isIntegration}
        onOpen={({ receiver }) => go(sentTo(receiver))}
      >
        {(row, chosen) => {
          const { name } = row.receiver;
          if (row.kind === 'receiver') return <ReceiverRow key={name} receiver={row.receiver} onTest={setTesting} />;
          const { integration } = row;
          const key = `${name} ${integration.type} ${integration.index}`;
          if (row.kind === 'error') {
            return <ErrorRow key={`${key} error`} columns={COLUMNS} error={integration.lastError} />;
          }
          return <IntegrationRow key={key} integration={integration} chosen={chosen} />;
        }}
      </ListTable>
      {testing !== undefined && <TestDialog receiver={testing} onClose={() => setTesting(undefined)} />}
    </>
  );
}

const HEIGHTS = { receiver: ROW_PX.group, integration: ROW_PX.one, error: ROW_PX.error };
const heightOf = ({ kind }: Listed) => HEIGHTS[kind];
const isIntegration = ({ kind }: Listed) => kind === 'integration';

function rowsOf(receiver: Receiver): Listed[] {
  const integrations = receiver.integrations.flatMap((integration): Listed[] => {
    const row: Listed = { kind: 'integration', receiver, integration };
    return integration.lastError === '' ? [row] : [row, { ...row, kind: 'error' }];
  });
  return [{ kind: 'receiver', receiver }, ...integrations];
}

const sentTo = ({ name }: Receiver) =>
  ({ to: '/notifications', search: notificationsCodec.encode({ receiver: name }) }) as const;

function ReceiverRow({ receiver, onTest }: { receiver: Receiver; onTest(receiver: Receiver): void }) {
  const { name, integrations } = receiver;
  return (
    <GroupRow
      columns={COLUMNS}
      name={name}
      note={
        integrations.length === 0 ? (
          'It has no integration: whoever is routed here tells nobody.'
        ) : (
          <PageLink {...sentTo(receiver)}>what it was sent</PageLink>
        )
      }
      actions={
        integrations.some(({ supported }) => supported) && (
          <Button
            size="compact-xs"
            leftSection={<IconSend size={13} aria-hidden="true" />}
            aria-label={`Test ${name}`}
            onClick={() => onTest(receiver)}
          >
            Test
          </Button>
        )
      }
    />
  );
}

function IntegrationRow({ integration, chosen }: { integration: Integration; chosen: boolean }) {
  const { type, index, sendResolved, lastSuccess, lastFailure, sent, failed } = integration;
  const now = useNow();
  const ago = (text: string | null) => (text === null ? 'never' : formatAgo(Math.max(0, now - Date.parse(text))));
  return (
    <Row chosen={chosen}>
      <td>
        <IntegrationState integration={integration} />
      </td>
      <MainCell>
        {type}[{index}] {!sendResolved && <span className="bw-dim">firing only</span>}
      </MainCell>
      <td data-numeric>{ago(lastSuccess)}</td>
      <td data-extra data-numeric>
        {ago(lastFailure)}
      </td>
      <td data-extra data-numeric>
        {formatCount(sent)}
      </td>
      <td data-extra data-numeric>
        {formatCount(failed)}
      </td>
    </Row>
  );
}

function IntegrationState({ integration }: { integration: Integration }) {
  if (!integration.supported) return <StateWord look="warn">Not supported</StateWord>;
  if (integration.circuit === 'open') return <StateWord look="bad">Left alone</StateWord>;
  if (isFailing(integration)) return <StateWord look="bad">Failing</StateWord>;
  if (integration.lastSuccess === null) return <StateWord look="unknown">Not used yet</StateWord>;
  return <StateWord look="ok">Works</StateWord>;
}
