import { Tabs } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useTime } from '../../nav/time';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { useOldConfig } from '../../shell/useServer';
import { Boundary } from '../../states/Boundary';
import { Loading } from '../../states/Loading';
import { statusCodec } from '../../url/pages';
import { Flags } from './Flags';
import { Overview } from './Overview';
import { ReloadAlarm } from './ReloadAlarm';
import classes from './status.module.css';

const Config = lazy(async () => ({ default: (await import('./Config')).Config }));

const TABS = [
  { value: 'overview', label: 'Overview' },
  { value: 'flags', label: 'Flags' },
  { value: 'config', label: 'Configuration' },
] as const;

/** What this server is, how it was started, and what it holds. */
export function StatusPage() {
  const [state, set] = useUrlState(statusCodec);
  const { zone } = useTime();
  const oldConfig = useOldConfig();
  const choose = (value: string | null) => set({ tab: TABS.find((tab) => tab.value === value)?.value ?? 'overview' });
  return (
    <>
      <PageHeader title="Status" />
      {oldConfig !== undefined && <ReloadAlarm config={oldConfig} zone={zone} />}
      <Tabs value={state.tab} onChange={choose} keepMounted={false}>
        <Tabs.List>
          {TABS.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map(({ value, label }) => (
          <Tabs.Panel key={value} value={value} className={classes.tab ?? ''}>
            <Boundary what={`“${label}”`}>
              <Suspense fallback={<Loading height={320} />}>
                {value === 'overview' && <Overview />}
                {value === 'flags' && <Flags filter={state.f} onFilter={(f) => set({ f }, { replace: true })} />}
                {value === 'config' && <Config />}
              </Suspense>
            </Boundary>
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}
