import { UnstyledButton } from '@mantine/core';
import { useRef } from 'react';
import type { CheckedTarget, Pack } from '../../api/packs';
import { formatCount, plural } from '../../format/value';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { VerdictBadge } from '../../states/VerdictBadge';
import classes from './packs.module.css';
import { checkedBy, worst } from './verdicts';

const ROW_PX = 32;
const COLUMNS = 7;

interface PackTableProps {
  packs: readonly Pack[];
  targets: readonly CheckedTarget[];
  open: string;
  onOpen(pack: string): void;
}

/** The catalogue: each pack with its size, its targets and what lint says. */
export function PackTable({ packs, targets, open, onOpen }: PackTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const view = useVirtualRows(packs.length, ROW_PX, scroller);
  const [chosen] = useRowKeys(packs.length, {
    open: (index) => onOpen(packs[index]?.name ?? ''),
    scrollTo: view.scrollTo,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <section ref={scroller} className={`bw-panel ${classes.scroller}`} aria-label="Catalogue" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Pack</th>
            <th scope="col" className={classes.extra}>
              Version
            </th>
            <th scope="col" data-numeric className={classes.extra}>
              Metrics
            </th>
            <th scope="col" data-numeric className={classes.extra}>
              Alerts
            </th>
            <th scope="col" data-numeric className={classes.extra}>
              Targets
            </th>
            <th scope="col">Verdict</th>
            <th scope="col" className={classes.extra}>
              Lint
            </th>
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={COLUMNS} />
          {view.rows.map((index) => {
            const pack = packs[index];
            if (pack === undefined) return null;
            const checked = checkedBy(targets, pack.name);
            return (
              <tr
                key={pack.name}
                data-row
                data-open={pack.name === open || undefined}
                data-chosen={index === chosen || undefined}
              >
                <th scope="row" className={classes.name}>
                  <UnstyledButton
                    className={classes.open}
                    aria-expanded={pack.name === open}
                    title={pack.description}
                    onClick={() => onOpen(pack.name)}
                  >
                    {pack.title}
                  </UnstyledButton>
                  <span className={classes.about}>{pack.builtIn ? pack.description : pack.file}</span>
                </th>
                <td className={classes.extra}>{pack.version}</td>
                <td data-numeric className={classes.extra}>
                  {formatCount(pack.metrics.length)}
                </td>
                <td data-numeric className={classes.extra}>
                  {formatCount(pack.alerts.length)}
                </td>
                <td data-numeric className={classes.extra}>
                  {formatCount(checked.length)}
                </td>
                <td>
                  {checked.length === 0 ? (
                    <span className="bw-dim">no target</span>
                  ) : (
                    <VerdictBadge verdict={worst(checked.map(({ verdict }) => verdict))} />
                  )}
                </td>
                <td className={classes.extra}>
                  {pack.lint.length === 0 ? <span className="bw-dim">clean</span> : plural(pack.lint.length, 'finding')}
                </td>
              </tr>
            );
          })}
          <SpacerRow height={view.after} columns={COLUMNS} />
        </tbody>
      </table>
    </section>
  );
}
