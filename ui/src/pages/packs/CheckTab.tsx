import { UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import type { CheckedTarget, Pack } from '../../api/packs';
import { formatCount, plural } from '../../format/value';
import { MetricName } from '../../labels/MetricName';
import { PageLink } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { VerdictBadge } from '../../states/VerdictBadge';
import { formatSince } from '../../time/duration';
import { targetsCodec } from '../../url/pages';
import {
  type FindingGroup,
  type FindingRow,
  groupFindings,
  ruleTitle,
  sharedRemedy,
  subject,
  uncounted,
} from './findings';
import classes from './packs.module.css';
import { type Checked, countText } from './verdicts';

/** So many targets are listed, the worst first. */
const MOST_TARGETS = 50;
/** So many rows of a group are shown before the rest is asked for. */
const FIRST_ROWS = 10;
/** So many targets of a row are named. */
const MOST_NAMED = 3;

/** Which targets keep what a pack promises, and what is wrong with the others. */
export function CheckTab({ pack, checked }: { pack: Pack; checked: readonly Checked[] }) {
  if (checked.length === 0) return <p className="bw-text">{nobody(pack)}</p>;
  const groups = groupFindings(checked);
  const more = uncounted(checked);
  return (
    <>
      <section aria-label="Targets">
        <ul className={classes.list}>
          {checked.slice(0, MOST_TARGETS).map((one) => (
            <TargetRow key={targetKey(one.target)} checked={one} metrics={pack.metrics.length} />
          ))}
          {checked.length > MOST_TARGETS && (
            <li className="bw-dim">and {plural(checked.length - MOST_TARGETS, 'better one')}</li>
          )}
        </ul>
      </section>
      <section aria-label="Findings" className={classes.groups}>
        {groups.map((group) => (
          <Group key={`${group.level} ${group.rule}`} group={group} targets={checked.length} />
        ))}
        {groups.length === 0 && <p className="bw-text">Every target exposes what the pack promises.</p>}
        {more > 0 && (
          <p className="bw-text">
            {plural(more, 'more finding')}, of which the server keeps only the number: it has the worst of each target.
          </p>
        )}
      </section>
    </>
  );
}

function nobody({ jobs, namespace }: Pack): string {
  const exposes = namespace === '' ? 'any of its metrics' : `a metric that begins with ${namespace}`;
  const scraped = jobs.length === 0 ? '' : ` No target of ${jobs.join(', ')} is scraped.`;
  return `No target that was checked exposes ${exposes}.${scraped}`;
}

function TargetRow({ checked: { target, verdict }, metrics }: { checked: Checked; metrics: number }) {
  const now = useNow();
  return (
    <li className={classes.target}>
      <VerdictBadge verdict={verdict.verdict} text={countText(verdict)} />
      <TargetLink target={target} />
      <span className="bw-dim">
        exposes {formatCount(verdict.exposed.length)} of{' '}
        {verdict.promised === null ? plural(metrics, 'metric') : `${plural(verdict.promised, 'metric')} promised`},
        checked {formatSince(Date.parse(target.checkedAt), now)}
      </span>
    </li>
  );
}

const targetKey = ({ scrapePool, scrapeUrl }: CheckedTarget) => `${scrapePool}|${scrapeUrl}`;

export function TargetLink({ target }: { target: CheckedTarget }) {
  return (
    <PageLink to="/system/targets" search={targetsCodec.encode({ open: targetKey(target) })}>
      {target.scrapePool} {target.instance ?? target.scrapeUrl}
    </PageLink>
  );
}

/** Findings of one kind. What is only good to know stays folded. */
function Group({ group, targets }: { group: FindingGroup; targets: number }) {
  const [all, setAll] = useState(false);
  const remedy = sharedRemedy(group);
  const rows = all ? group.rows : group.rows.slice(0, FIRST_ROWS);
  const more = group.rows.length - rows.length;
  return (
    <details className={classes.group} open={group.level !== 'info'}>
      <summary className={classes.summary}>
        <VerdictBadge verdict={group.level} text={group.level} />
        <strong>{ruleTitle(group.rule)}</strong>
        <span className="bw-count bw-dim">{formatCount(group.rows.length)}</span>
        {remedy !== undefined && <span className={classes.remedy}>{remedy}</span>}
      </summary>
      <table className={classes.findings}>
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">The pack says</th>
            <th scope="col">Exposed</th>
            <th scope="col">Targets</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row
              key={`${subject(row)} ${row.finding.expected}`}
              row={row}
              targets={targets}
              remedy={remedy === undefined ? row.finding.remedy : ''}
            />
          ))}
        </tbody>
      </table>
      {more > 0 && (
        <UnstyledButton className={classes.more} onClick={() => setAll(true)}>
          Show {plural(more, 'more', 'more')}
        </UnstyledButton>
      )}
    </details>
  );
}

function Row({ row, targets, remedy }: { row: FindingRow; targets: number; remedy: string }) {
  const { finding, found } = row;
  const name = subject(row);
  return (
    <tr title={`${finding.message} (${finding.file}:${finding.line}:${finding.column})`}>
      <th scope="row">
        <PageLink to="/metrics/$name" params={{ name }}>
          <MetricName name={name} />
        </PageLink>
        {remedy !== '' && <span className={classes.remedy}>{remedy}</span>}
      </th>
      <td data-name="The pack says">{finding.expected}</td>
      <td data-name="Exposed">{found.join('; ')}</td>
      <td data-name="Targets">
        <RowTargets row={row} of={targets} />
      </td>
    </tr>
  );
}

function RowTargets({ row: { targets }, of }: { row: FindingRow; of: number }) {
  if (targets.length === of && of > 1) return <>all {formatCount(of)}</>;
  const named = targets.slice(0, MOST_NAMED);
  return (
    <ul className="bw-plain">
      {named.map((target) => (
        <li key={targetKey(target)}>
          <PageLink
            to="/system/targets"
            search={targetsCodec.encode({ open: targetKey(target) })}
            title={target.scrapePool}
          >
            {target.instance ?? target.scrapeUrl}
          </PageLink>
        </li>
      ))}
      {targets.length > named.length && (
        <li className="bw-dim">and {plural(targets.length - named.length, 'more', 'more')}</li>
      )}
    </ul>
  );
}
