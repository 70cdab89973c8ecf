import { Button, Tabs } from '@mantine/core';
import { IconBellPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useState } from 'react';
import { draftOf, NEW_DRAFT, type SilenceDraft } from '../../alerting/draft';
import { parseMatchers } from '../../alerting/matchers';
import { NoRouter } from '../../alerting/NoRouter';
import { SilenceDialog } from '../../alerting/SilenceDialog';
import { isNoRouter } from '../../alerting/useAlerts';
import type { Silence, SilenceState } from '../../api/alerting';
import { SILENCES_QUERY } from '../../api/queries';
import { formatCount, plural } from '../../format/value';
import { FilterBar } from '../../lists/FilterBar';
import { useKeys } from '../../nav/keys';
import { useUrlState } from '../../nav/useUrlState';
import { SidePanel, Split } from '../../panel/SidePanel';
import { PageHeader } from '../../shell/PageHeader';
import { Answer } from '../../states/Answer';
import { SILENCE_STATES, silencesCodec } from '../../url/alerting';
import { BulkDialog } from './BulkDialog';
import type { BulkChange } from './bulk';
import { SilenceDetails } from './SilenceDetails';
import { SilenceTable } from './SilenceTable';
import { filterSilences, titleOf } from './silences';
import { useSilencedCounts } from './useSilencedCounts';

const REFRESH_MS = 5000;

const WORDS: Readonly<Record<SilenceState, string>> = { active: 'Active', pending: 'Pending', expired: 'Expired' };

/** Of which alerts nobody is told, why, by whom and until when. */
export function SilencesPage() {
  const [state, set] = useUrlState(silencesCodec);
  const query = useQuery({ ...SILENCES_QUERY, refetchInterval: REFRESH_MS });
  const [draft, setDraft] = useState<SilenceDraft>();
  const write = () => setDraft(NEW_DRAFT);
  useKeys({ n: write });
  const asked = state.new === '' ? undefined : { ...NEW_DRAFT, matchers: parseMatchers(state.new) ?? [] };
  const open = draft ?? asked;
  const close = () => {
    setDraft(undefined);
    set({ new: '' }, { replace: true });
  };
  if (isNoRouter(query.error)) {
    return (
      <>
        <PageHeader title="Silences" />
        <NoRouter />
      </>
    );
  }
  return (
    <>
      <PageHeader title="Silences" note={query.data && note(query.data)}>
        <Button variant="filled" leftSection={<IconBellPlus size={14} aria-hidden="true" />} onClick={write}>
          New silence
        </Button>
      </PageHeader>
      <Answer query={query} height={420}>
        {(all) => <Silences all={all} onWrite={setDraft} />}
      </Answer>
      {open !== undefined && <SilenceDialog initial={open} onClose={close} />}
    </>
  );
}

function note(silences: readonly Silence[]): string {
  const active = silences.filter(({ status }) => status.state === 'active').length;
  return active === 0 ? 'none is active' : `${formatCount(active)} active`;
}

function Silences({ all, onWrite }: { all: readonly Silence[]; onWrite(draft: SilenceDraft): void }) {
  const [state, set] = useUrlState(silencesCodec);
  const text = useDeferredValue(state.f);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<BulkChange>();
  const counts = useSilencedCounts();
  const shown = useMemo(() => filterSilences(all, state.state, text, counts), [all, state.state, text, counts]);
  const open = all.find(({ id }) => id === state.open);
  const close = () => set({ open: '' });
  useKeys({ Escape: close });
  const count = (of: SilenceState) => all.filter(({ status }) => status.state === of).length;
  const chosen = shown.filter(({ id, status }) => selected.has(id) && status.state !== 'expired');
  return (
    <>
      <FilterBar
        label="Filter by label, comment or author"
        value={state.f}
        onFilter={(f) => set({ f }, { replace: true })}
        before={
          <Tabs
            variant="pills"
            value={state.state}
            onChange={(value) => {
              setSelected(new Set());
              set({ state: SILENCE_STATES.find((known) => known === value) ?? 'active', open: '' });
            }}
          >
            <Tabs.List>
              {SILENCE_STATES.map((known) => (
                <Tabs.Tab key={known} value={known}>
                  {WORDS[known]} <span className="bw-count">{formatCount(count(known))}</span>
                </Tabs.Tab>
              ))}
            </Tabs.List>
          </Tabs>
        }
      >
        {chosen.length > 0 && (
          <>
            <Button onClick={() => setAsking('lengthen')}>Lengthen {plural(chosen.length, 'silence')}</Button>
            <Button onClick={() => setAsking('expire')}>Expire {plural(chosen.length, 'silence')}</Button>
          </>
        )}
      </FilterBar>
      <Split open={open !== undefined}>
        <SilenceTable
          silences={shown}
          counts={counts}
          state={state.state}
          hidden={count(state.state) - shown.length}
          openId={state.open}
          selected={selected}
          onSelect={setSelected}
          onOpen={(id) => set({ open: id === state.open ? '' : id })}
          onClear={() => set({ f: '' })}
          onWrite={() => onWrite(NEW_DRAFT)}
        />
        {open !== undefined && (
          <SidePanel title={titleOf(open)} onClose={close}>
            <SilenceDetails key={open.id} silence={open} onRecreate={() => onWrite(draftOf(open))} />
          </SidePanel>
        )}
      </Split>
      {asking !== undefined && (
        <BulkDialog change={asking} silences={chosen} onSelect={setSelected} onClose={() => setAsking(undefined)} />
      )}
    </>
  );
}
