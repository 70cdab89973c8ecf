import type { CheckedTarget, Pack } from '../../api/packs';
import { formatCount, plural } from '../../format/value';
import type { Column } from '../../lists/columns';
import { ListTable } from '../../lists/ListTable';
import { OpenButton } from '../../lists/rows';
import { VerdictBadge } from '../../states/VerdictBadge';
import classes from './packs.module.css';
import { checkedBy, worst } from './verdicts';

interface PackTableProps {
  packs: readonly Pack[];
  targets: readonly CheckedTarget[];
  open: string;
  onOpen(pack: string): void;
}

/** The catalogue: each pack with its size, its targets and what lint says. */
export function PackTable({ packs, targets, open, onOpen }: PackTableProps) {
  const checkedOf = ({ name }: Pack) => checkedBy(targets, name);
  const columns: Column<Pack>[] = [
    {
      head: 'Pack',
      main: true,
      cell: ({ title, description, builtIn, file }, opening) => (
        <>
          <OpenButton {...opening} title={description}>
            {title}
          </OpenButton>
          <span className={classes.about} data-extra>
            {builtIn ? description : file}
          </span>
        </>
      ),
    },
    { head: 'Version', extra: true, cell: ({ version }) => version },
    { head: 'Metrics', extra: true, numeric: true, cell: ({ metrics }) => formatCount(metrics.length) },
    { head: 'Alerts', extra: true, numeric: true, cell: ({ alerts }) => formatCount(alerts.length) },
    { head: 'Targets', extra: true, numeric: true, cell: (pack) => formatCount(checkedOf(pack).length) },
    {
      head: 'Verdict',
      cell: (pack) => {
        const verdicts = checkedOf(pack).map(({ verdict }) => verdict);
        return verdicts.length === 0 ? (
          <span className="bw-dim">no target</span>
        ) : (
          <VerdictBadge verdict={worst(verdicts)} />
        );
      },
    },
    {
      head: 'Lint',
      extra: true,
      cell: ({ lint }) => (lint.length === 0 ? <span className="bw-dim">clean</span> : plural(lint.length, 'finding')),
    },
  ];
  return (
    <ListTable
      label="Catalogue"
      columns={columns}
      rows={packs}
      keyOf={nameOf}
      isOpen={({ name }) => name === open}
      onOpen={({ name }) => onOpen(name)}
    />
  );
}

const nameOf = ({ name }: Pack) => name;
