import { useQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import type { Packs } from '../../api/packs';
import { PACKS_QUERY } from '../../api/queries';
import { plural } from '../../format/value';
import { FilterBar } from '../../lists/FilterBar';
import { FilteredOut } from '../../lists/FilteredOut';
import { useKeys } from '../../nav/keys';
import { useUrlState } from '../../nav/useUrlState';
import { SidePanel, Split } from '../../panel/SidePanel';
import { PageHeader } from '../../shell/PageHeader';
import { Answer } from '../../states/Answer';
import { packsCodec } from '../../url/pages';
import { PackDetails } from './PackDetails';
import { PackTable } from './PackTable';
import classes from './packs.module.css';
import { filterPacks } from './verdicts';

const REFRESH_MS = 15_000;

/** What applications promise to expose, and which targets keep it. */
export function PacksPage() {
  const [state, set] = useUrlState(packsCodec);
  const query = useQuery({ ...PACKS_QUERY, refetchInterval: REFRESH_MS });
  return (
    <>
      <PageHeader title="Packs" note={query.data && note(query.data)} />
      <FilterBar label="Filter by name or metric" value={state.f} onFilter={(f) => set({ f }, { replace: true })} />
      <Answer query={query} height={420}>
        {(data) => <Catalogue data={data} />}
      </Answer>
    </>
  );
}

function note({ packs, targets }: Packs): string {
  return `${plural(packs.length, 'pack')}, ${plural(targets.length, 'target')} checked`;
}

function Catalogue({ data }: { data: Packs }) {
  const [state, set] = useUrlState(packsCodec);
  const filter = useDeferredValue(state.f);
  const shown = filterPacks(data.packs, filter);
  const close = () => set({ pack: '', tab: 'check', metric: '' });
  useKeys({ Escape: close });
  const open = data.packs.find(({ name }) => name === state.pack);
  if (shown.length === 0) {
    return <FilteredOut what="pack" total={data.packs.length} onClear={() => set({ f: '' })} />;
  }
  return (
    <Split open={open !== undefined} className={classes.split}>
      <PackTable
        packs={shown}
        targets={data.targets}
        open={state.pack}
        onOpen={(pack) => (pack === state.pack ? close() : set({ pack, metric: '' }))}
      />
      {open !== undefined && (
        <SidePanel title={open.title} onClose={close}>
          <PackDetails
            pack={open}
            targets={data.targets}
            tab={state.tab}
            onTab={(tab) => set({ tab })}
            filter={filter}
            metric={state.metric}
            onMetric={(metric) => set({ metric: metric === state.metric ? '' : metric })}
          />
        </SidePanel>
      )}
    </Split>
  );
}
