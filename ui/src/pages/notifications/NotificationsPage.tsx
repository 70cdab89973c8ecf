import { Button } from '@mantine/core';
import { IconMessages } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo } from 'react';
import { NoRouter } from '../../alerting/NoRouter';
import { ReceiverChoice } from '../../alerting/ReceiverChoice';
import { isNoRouter } from '../../alerting/useAlerts';
import type { Notification, Notifications } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { formatCount, plural } from '../../format/value';
import { Choice, MenuChoice } from '../../lists/Choice';
import { FilterBar } from '../../lists/FilterBar';
import { FilteredOut } from '../../lists/FilteredOut';
import { wordFilter } from '../../lists/matches';
import { useKeys } from '../../nav/keys';
import { TIMED, TIMED_GC_MS, useTime } from '../../nav/time';
import { useUrlState } from '../../nav/useUrlState';
import { SidePanel, Split } from '../../panel/SidePanel';
import { PageHeader } from '../../shell/PageHeader';
import { Answer } from '../../states/Answer';
import { EmptyState } from '../../states/EmptyState';
import { relative } from '../../time/bound';
import { notificationsCodec } from '../../url/alerting';
import { NotificationDetails } from './NotificationDetails';
import { NotificationTable } from './NotificationTable';
import { keyOf, searched } from './notification';
import own from './notifications.module.css';

const DAY_MS = 86_400_000;
const KINDS = { all: 'Alerts and tests', alert: 'Alerts', test: 'Tests' } as const;
const STATUSES = { all: 'All', sent: 'Sent', failed: 'Failed', skipped: 'Skipped' } as const;

/** Every message in the time range: to whom, why, with what success, and its text. */
export function NotificationsPage() {
  const { span, generation } = useTime();
  const [state, set] = useUrlState(notificationsCodec);
  const query = useInfiniteQuery({
    queryKey: [TIMED, 'notifications', state.receiver, state.status, state.kind, span.start, span.end, generation],
    queryFn: ({ pageParam: from, signal }: { pageParam: string | undefined; signal: AbortSignal }) =>
      alerting.notifications(span, { ...state, from }, signal),
    initialPageParam: undefined,
    getNextPageParam: ({ nextToken }: Notifications) => nextToken,
    select: ({ pages }) => pages.flatMap(({ notifications }) => notifications),
    gcTime: TIMED_GC_MS,
    placeholderData: keepPreviousData,
  });
  if (isNoRouter(query.error)) {
    return (
      <>
        <PageHeader title="Notifications" />
        <NoRouter />
      </>
    );
  }
  const older: Older = {
    has: query.hasNextPage,
    asking: query.isFetchingNextPage,
    ask: () => void query.fetchNextPage(),
  };
  return (
    <>
      <PageHeader title="Notifications" note={query.data && note(query.data, query.hasNextPage)} />
      <FilterBar
        label="Filter by label, reason, error or text"
        value={state.f}
        onFilter={(f) => set({ f }, { replace: true })}
      >
        <Choice
          label="Status"
          value={state.status}
          options={STATUSES}
          onChange={(status) => set({ status, open: '' })}
        />
        <MenuChoice label="About" value={state.kind} options={KINDS} onChange={(kind) => set({ kind, open: '' })} />
        <ReceiverChoice value={state.receiver} onChange={(receiver) => set({ receiver, open: '' })} />
      </FilterBar>
      <Answer query={query} height={420}>
        {(notifications) => <Log notifications={notifications} older={older} />}
      </Answer>
    </>
  );
}

function note(notifications: readonly Notification[], more: boolean): string {
  const failed = notifications.filter(({ status }) => status === 'failed').length;
  const all = `${more ? 'the newest ' : ''}${plural(notifications.length, 'notification')}`;
  return failed === 0 ? all : `${all}, ${formatCount(failed)} failed`;
}

/** Notifications before those that are listed. */
interface Older {
  /** There may be some. */
  has: boolean;
  asking: boolean;
  ask(): void;
}

function Log({ notifications, older }: { notifications: readonly Notification[]; older: Older }) {
  const { setRange } = useTime();
  const [state, set] = useUrlState(notificationsCodec);
  const text = useDeferredValue(state.f);
  const shown = useMemo(() => {
    const matches = wordFilter(text);
    return notifications.filter((notification) => matches(searched(notification)));
  }, [notifications, text]);
  const open = notifications.find((notification) => keyOf(notification) === state.open);
  const close = () => set({ open: '' });
  useKeys({ Escape: close });
  if (notifications.length === 0 && older.has) {
    return (
      <EmptyState
        icon={IconMessages}
        title="None among the newest ones of this time range"
        action={<ShowOlder older={older} />}
      >
        So much is read at once and no more. There may be some among the older ones.
      </EmptyState>
    );
  }
  if (notifications.length === 0) {
    const narrowed = state.receiver !== '' || state.status !== 'all' || state.kind !== 'all';
    return (
      <EmptyState
        icon={IconMessages}
        title={narrowed ? 'Nothing of this kind in this time range' : 'Nobody was told anything in this time range'}
        action={
          narrowed ? (
            <Button onClick={() => set({ receiver: '', status: 'all', kind: 'all' })}>Show all</Button>
          ) : (
            <Button onClick={() => setRange({ from: relative(-7 * DAY_MS), to: relative(0) })}>The last 7 days</Button>
          )
        }
      >
        Every message is kept here with its text and the reason why it was sent.
      </EmptyState>
    );
  }
  if (shown.length === 0) {
    return (
      <>
        <FilteredOut what="notification" total={notifications.length} onClear={() => set({ f: '' })} />
        <ShowOlder older={older} />
      </>
    );
  }
  return (
    <>
      <Split open={open !== undefined}>
        <NotificationTable
          notifications={shown}
          openKey={state.open}
          onOpen={(key) => set({ open: key === state.open ? '' : key })}
        />
        {open !== undefined && (
          <SidePanel title={`${open.receiver}, ${open.integration}`} onClose={close}>
            <NotificationDetails key={state.open} notification={open} />
          </SidePanel>
        )}
      </Split>
      <ShowOlder older={older} />
    </>
  );
}

/** Asks for the notifications before those that are listed; nothing if there are none. */
function ShowOlder({ older: { has, asking, ask } }: { older: Older }) {
  if (!has) return null;
  return (
    <div className={own.older}>
      <Button loading={asking} onClick={ask}>
        Show older
      </Button>
    </div>
  );
}
