import type { CheckedTarget, Pack } from '../../api/packs';
import { formatCount, plural } from '../../format/value';
import { ListTable } from '../../lists/ListTable';
import { MainCell, OpenButton, ROW_PX, Row } from '../../lists/rows';
import { VerdictBadge } from '../../states/VerdictBadge';
import classes from './packs.module.css';
import { checkedBy, worst } from './verdicts';

const COLUMNS = 7;

interface PackTableProps {
  packs: readonly Pack[];
  targets: readonly CheckedTarget[];
  open: string;
  onOpen(pack: string): void;
}

/** The catalogue: each pack with its size, its targets and what lint says. */
export function PackTable({ packs, targets, open, onOpen }: PackTableProps) {
  return (
    <ListTable
      label="Catalogue"
      columns={COLUMNS}
      head={
        <>
          <th scope="col">Pack</th>
          <th scope="col" data-extra>
            Version
          </th>
          <th scope="col" data-extra data-numeric>
            Metrics
          </th>
          <th scope="col" data-extra data-numeric>
            Alerts
          </th>
          <th scope="col" data-extra data-numeric>
            Targets
          </th>
          <th scope="col">Verdict</th>
          <th scope="col" data-extra>
            Lint
          </th>
        </>
      }
      rows={packs}
      rowPx={ROW_PX.one}
      onOpen={({ name }) => onOpen(name)}
    >
      {(pack, chosen) => {
        const checked = checkedBy(targets, pack.name);
        const isOpen = pack.name === open;
        return (
          <Row key={pack.name} open={isOpen} chosen={chosen}>
            <MainCell>
              <OpenButton open={isOpen} title={pack.description} onOpen={() => onOpen(pack.name)}>
                {pack.title}
              </OpenButton>
              <span className={classes.about} data-extra>
                {pack.builtIn ? pack.description : pack.file}
              </span>
            </MainCell>
            <td data-extra>{pack.version}</td>
            <td data-extra data-numeric>
              {formatCount(pack.metrics.length)}
            </td>
            <td data-extra data-numeric>
              {formatCount(pack.alerts.length)}
            </td>
            <td data-extra data-numeric>
              {formatCount(checked.length)}
            </td>
            <td>
              {checked.length === 0 ? (
                <span className="bw-dim">no target</span>
              ) : (
                <VerdictBadge verdict={worst(checked.map(({ verdict }) => verdict))} />
              )}
            </td>
            <td data-extra>
              {pack.lint.length === 0 ? <span className="bw-dim">clean</span> : plural(pack.lint.length, 'finding')}
            </td>
          </Row>
        );
      }}
    </ListTable>
  );
}
