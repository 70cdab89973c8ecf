import { Tooltip } from '@mantine/core';
import { IconChartLine } from '@tabler/icons-react';
import { useRef } from 'react';
import { formatCount } from '../../format/value';
import { metricSelector } from '../../labels/labels';
import { ROW_PX, Row } from '../../lists/rows';
import { SortHeader } from '../../lists/SortHeader';
import { SpacerRow } from '../../lists/SpacerRow';
import table from '../../lists/table.module.css';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { PageLink, useGo } from '../../nav/links';
import { exploreCodec } from '../../url/pages';
import type { CatalogueEntry, CatalogueSort } from './catalogue';
import classes from './metrics.module.css';
import { TypeBadge } from './TypeBadge';
import { useMissingCounts } from './useSeriesCounts';

interface CatalogueTableProps {
  entries: readonly CatalogueEntry[];
  sort: CatalogueSort;
  onSort(sort: CatalogueSort): void;
}

export function CatalogueTable({ entries, sort, onSort }: CatalogueTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const go = useGo();
  const view = useVirtualRows(entries.length, ROW_PX.one, scroller);
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
    <section ref={scroller} className={`bw-panel ${table.scroller}`} aria-label="Metrics" tabIndex={0}>
      <table className={table.table}>
        <thead>
          <tr>
            <SortHeader column="name" label="Name" sort={current} onSort={() => onSort('name')} />
            <SortHeader column="type" label="Type" sort={current} onSort={() => onSort('type')} extra />
            <th scope="col" data-extra>
              Unit
            </th>
            <th scope="col" data-extra>
              Help
            </th>
            <SortHeader column="series" label="Series" sort={current} onSort={() => onSort('series')} numeric />
            <th scope="col" data-extra>
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
              <Row key={name} chosen={index === chosen}>
                <td className={classes.name}>
                  <PageLink to="/metrics/$name" params={{ name }} title={name}>
                    {name}
                  </PageLink>
                </td>
                <td data-extra>
                  <TypeBadge type={type} />
                </td>
                <td data-extra className="bw-dim">
                  {unit}
                </td>
                <td data-extra className={classes.help} title={help}>
                  {help}
                </td>
                <td data-numeric>{series === undefined ? '–' : formatCount(series)}</td>
                <td data-extra>
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
              </Row>
            );
          })}
          <SpacerRow height={view.after} columns={6} />
        </tbody>
      </table>
    </section>
  );
}
