import { Button } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { AcknowledgeDialog } from '../../alerting/AcknowledgeDialog';
import classes from '../../alerting/alerting.module.css';
import { type Alert, groupAlerts } from '../../alerting/alerts';
import { NEW_DRAFT } from '../../alerting/draft';
import { type LabelFilter, type Matcher, matchersOf, narrowed } from '../../alerting/matchers';
import { SilenceDialog } from '../../alerting/SilenceDialog';
import { usePast } from '../../alerting/usePast';
import { FilteredOut } from '../../lists/FilteredOut';
import { useKeys } from '../../nav/keys';
import { useGo } from '../../nav/links';
import { useUrlState } from '../../nav/useUrlState';
import { SidePanel, Split } from '../../panel/SidePanel';
import { EmptyState } from '../../states/EmptyState';
import { alertsCodec } from '../../url/alerting';
import { AlertDetails } from './AlertDetails';
import { AlertMatrix } from './AlertMatrix';
import { AlertTable } from './AlertTable';

type Dialog = { kind: 'acknowledge'; alert: Alert } | { kind: 'silence'; matchers: readonly Matcher[] };

interface AlertListProps {
  all: readonly Alert[];
  shown: readonly Alert[];
  filter: LabelFilter;
  /** The labels by which alerts are counted in a matrix; undefined if they are listed. */
  axes: { rows: string; columns: string } | undefined;
  noRouter: boolean;
  /** Something could not be asked, so that nothing to show says nothing. */
  failed: boolean;
}

/** Alerts in groups or counted in a matrix, with the details of one beside them, and what can be done about them. */
export function AlertList({ all, shown, filter, axes, noRouter, failed }: AlertListProps) {
  const go = useGo();
  const [state, set] = useUrlState(alertsCodec);
  const [dialog, setDialog] = useState<Dialog>();
  const groups = useMemo(() => groupAlerts(shown, state.by), [shown, state.by]);
  const past = usePast();
  const open = all.find(({ key }) => key === state.open);
  const close = () => set({ open: '' });
  const silence = (matchers: readonly Matcher[]) => setDialog({ kind: 'silence', matchers });
  const acknowledge = (alert: Alert) => setDialog({ kind: 'acknowledge', alert });
  useKeys({
    Escape: close,
    ...(open !== undefined && !noRouter && { a: () => acknowledge(open), s: () => silence(matchersOf(open.labels)) }),
  });

  if (all.length === 0) {
    if (failed) return null;
    return (
      <EmptyState
        icon={IconCircleCheck}
        title="Nothing fires, and nothing is about to"
        action={<Button onClick={() => go({ to: '/rules' })}>Look at the rules</Button>}
      >
        Alerts appear here as soon as the expression of an alerting rule has a result, or another program sends one.
      </EmptyState>
    );
  }
  if (shown.length === 0) {
    return <FilteredOut what="alert" total={all.length} onClear={() => set({ f: '', state: 'all', receiver: '' })} />;
  }
  const matchers = filter.matchers ?? [];
  return (
    <>
      {past.data?.truncated && (
        <p className="bw-note">There were too many changes in this time range; the strips lack the oldest ones.</p>
      )}
      {matchers.length > 0 && !noRouter && (
        <div className={classes.actions}>
          <Button onClick={() => silence(matchers)}>Silence what the filter matches</Button>
        </div>
      )}
      <Split open={open !== undefined}>
        {axes === undefined ? (
          <AlertTable
            groups={groups}
            past={past.data}
            openKey={state.open}
            onOpen={(key) => set({ open: key === state.open ? '' : key })}
            onAcknowledge={acknowledge}
            onSilence={noRouter ? undefined : (labels) => silence(matchersOf(labels))}
          />
        ) : (
          <AlertMatrix
            alerts={shown}
            labels={axes}
            onNarrow={(labels) => set({ f: narrowed(state.f, labels), view: 'list' })}
          />
        )}
        {open !== undefined && (
          <SidePanel title={open.labels.alertname ?? 'Alert'} onClose={close}>
            <AlertDetails
              key={open.key}
              alert={open}
              all={all}
              noRouter={noRouter}
              past={past.data}
              onSilence={() => silence(matchersOf(open.labels))}
              onAcknowledge={() => acknowledge(open)}
            />
          </SidePanel>
        )}
      </Split>
      {dialog?.kind === 'silence' && (
        <SilenceDialog initial={{ ...NEW_DRAFT, matchers: dialog.matchers }} onClose={() => setDialog(undefined)} />
      )}
      {dialog?.kind === 'acknowledge' && (
        <AcknowledgeDialog alert={dialog.alert} onClose={() => setDialog(undefined)} />
      )}
    </>
  );
}
