import { Tooltip } from '@mantine/core';
import { IconChartLine } from '@tabler/icons-react';
import { useRef } from 'react';
import { formatCount } from '../../format/value';
import { metricSelector } from '../../labels/labels';
import { SortHeader } from '../../lists/SortHeader';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { PageLink, useGo } from '../../nav/links';
import { exploreCodec } from '../../url/pages';
import type { CatalogueEntry, CatalogueSort } from './catalogue';
import classes from './metrics.module.css';
import { TypeBadge } from './TypeBadge';
import { useMissingCounts } from './useSeriesCounts';

const ROW_PX = 29;

interface CatalogueTableProps {
  entries: readonly CatalogueEntry[];
  sort: CatalogueSort;
  onSort(sort: CatalogueSort): void;
}

export function CatalogueTable({ entries, sort, onSort }: CatalogueTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const go = useGo();
  const view = useVirtualRows(entries.length, ROW_PX, scroller);
  const open = (index: number) => {
    const name = entries[index]?.name;
    if (name !== undefined) go({ to: '/metrics/$name', params: { name } });
  };
  const [chosen] = useRowKeys(entries.length, { open, scrollTo: view.scrollTo });
  const inView = view.rows.flatMap((index) => entries[index] ?? []);
  const missing = useMissingCounts(inView.filter(({ series }) => series === undefined).map(({ name }) => name));
  const current = { column: sort, descending: sort === 'series' };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <section ref={scroller} className={`bw-panel ${classes.scroller}`} aria-label="Metrics" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <SortHeader column="name" label="Name" sort={current} onSort={() => onSort('name')} />
            <SortHeader column="type" label="Type" sort={current} onSort={() => onSort('type')} />
            <th scope="col" className={classes.unit}>
              Unit
            </th>
            <th scope="col" className={classes.help}>
              Help
            </th>
            <SortHeader column="series" label="Series" sort={current} onSort={() => onSort('series')} numeric />
            <th scope="col">
              <span className="bw-sr">Explore</span>
            </th>
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={6} />
          {view.rows.map((index) => {
            const entry = entries[index];
            if (entry === undefined) return null;
            const { name, type, help, unit, series = missing.get(name) } = entry;
            return (
              <tr key={name} data-row data-chosen={index === chosen || undefined}>
                <td className={classes.name}>
                  <PageLink to="/metrics/$name" params={{ name }} title={name}>
                    {name}
                  </PageLink>
                </td>
                <td>
                  <TypeBadge type={type} />
                </td>
                <td className={classes.unit}>{unit}</td>
                <td className={classes.help} title={help}>
                  {help}
                </td>
                <td className={classes.number}>{series === undefined ? '–' : formatCount(series)}</td>
                <td>
                  <Tooltip label="Explore">
                    <PageLink
                      to="/explore"
                      search={exploreCodec.encode({ q: [metricSelector(name)] })}
                      className={classes.jump}
                      aria-label={`Explore ${name}`}
                    >
                      <IconChartLine size={15} aria-hidden="true" />
                    </PageLink>
                  </Tooltip>
                </td>
              </tr>
            );
          })}
          <SpacerRow height={view.after} columns={6} />
        </tbody>
      </table>
    </section>
  );
}
