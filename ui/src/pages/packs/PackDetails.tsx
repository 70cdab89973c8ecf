import { Tabs } from '@mantine/core';
import type { CheckedTarget, Pack } from '../../api/packs';
import { formatCount } from '../../format/value';
import { Boundary } from '../../states/Boundary';
import { PACK_TABS, type PackTab } from '../../url/pages';
import { AlertsTab, DashboardsTab, ExpressionsTab, ObjectivesTab } from './AskedTabs';
import { CheckTab } from './CheckTab';
import { FilesTab } from './FilesTab';
import { LintTab } from './LintTab';
import { MetricsTab } from './MetricsTab';
import classes from './packs.module.css';
import { checkedBy } from './verdicts';

interface PackDetailsProps {
  pack: Pack;
  targets: readonly CheckedTarget[];
  tab: PackTab;
  onTab(tab: PackTab): void;
  filter: string;
  /** The metric whose details are open. */
  metric: string;
  onMetric(name: string): void;
}

/** A pack: which targets keep it, and everything that is in it. */
export function PackDetails({ pack, targets, tab, onTab, filter, metric, onMetric }: PackDetailsProps) {
  const checked = checkedBy(targets, pack.name);
  const tabs: Record<PackTab, { label: string; count: number | undefined; content: () => React.ReactNode }> = {
    check: { label: 'Check', count: checked.length, content: () => <CheckTab pack={pack} checked={checked} /> },
    metrics: {
      label: 'Metrics',
      count: pack.metrics.length,
      content: () => <MetricsTab {...{ pack, targets, checked, filter, metric, onMetric }} />,
    },
    alerts: { label: 'Alerts', count: pack.alerts.length, content: () => <AlertsTab alerts={pack.alerts} /> },
    slos: { label: 'Objectives', count: pack.slos.length, content: () => <ObjectivesTab objectives={pack.slos} /> },
    dashboards: {
      label: 'Dashboards',
      count: pack.dashboards.length,
      content: () => <DashboardsTab dashboards={pack.dashboards} />,
    },
    expressions: {
      label: 'Expressions',
      count: pack.expressions.length + pack.recordings.length,
      content: () => <ExpressionsTab expressions={pack.expressions} recordings={pack.recordings} />,
    },
    lint: { label: 'Lint', count: pack.lint.length, content: () => <LintTab findings={pack.lint} /> },
    files: { label: 'Files', count: undefined, content: () => <FilesTab pack={pack} /> },
  };
  return (
    <>
      {pack.description !== '' && <p className="bw-text">{pack.description}</p>}
      <p className={classes.source}>
        <code>{pack.name}</code> {pack.version}, {pack.builtIn ? 'comes with the program' : pack.file}
        {pack.namespace !== '' && (
          <>
            , names begin with <code>{pack.namespace}</code>
          </>
        )}
        {pack.jobs.length > 0 && `, scrapes ${pack.jobs.join(', ')}`}
      </p>
      <Tabs
        value={tab}
        onChange={(value) => onTab(PACK_TABS.find((known) => known === value) ?? 'check')}
        keepMounted={false}
      >
        <Tabs.List>
          {PACK_TABS.map((key) => (
            <Tabs.Tab key={key} value={key}>
              {tabs[key].label}{' '}
              {tabs[key].count !== undefined && <span className="bw-count bw-dim">{formatCount(tabs[key].count)}</span>}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {PACK_TABS.map((key) => (
          <Tabs.Panel key={key} value={key} className={classes.tab ?? ''}>
            <Boundary key={pack.name} what={`“${tabs[key].label}”`}>
              {tabs[key].content()}
            </Boundary>
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}
