import type { CheckedTarget } from '../../api/packs';
import { plural } from '../../format/value';
import { PageLink } from '../../nav/links';
import { FactRows, type FactTexts } from '../../panel/Facts';
import { Panel } from '../../panel/Panel';
import { VerdictBadge } from '../../states/VerdictBadge';
import { packsCodec } from '../../url/pages';
import { TargetLink } from '../packs/CheckTab';
import { type FindingRow, groupFindings, ruleTitle } from '../packs/findings';
import { furtherFacts } from '../packs/MetricPromise';
import { checkedBy, emitters, type Owned } from '../packs/verdicts';
import classes from './metric.module.css';

/** The way to a metric in its pack. */
export function OwnerLink({ owner: { pack, metric } }: { owner: Owned }) {
  return (
    <PageLink to="/system/packs" search={packsCodec.encode({ pack: pack.name, tab: 'metrics', metric: metric.name })}>
      {pack.title} {pack.version}
    </PageLink>
  );
}

/** What the pack that owns a metric promises about it beside its labels, and where that is not kept. */
export function OwnerPanel({ owner, targets }: { owner: Owned; targets: readonly CheckedTarget[] }) {
  const { pack, metric, alias } = owner;
  const checked = checkedBy(targets, pack.name);
  const findings = groupFindings(checked).flatMap(({ rows }) =>
    rows.filter(({ finding }) => finding.metric === metric.name),
  );
  const exposing = emitters(targets, pack.name, metric.name).length;
  const facts: FactTexts = [
    ...(alias === undefined
      ? []
      : [
          [
            'New name',
            <PageLink key="name" to="/metrics/$name" params={{ name: metric.name }}>
              {metric.name}
            </PageLink>,
          ] as const,
        ]),
    ...furtherFacts(metric),
    ['Exposed by', exposing === 0 ? 'no target that was checked' : plural(exposing, 'target')],
  ];
  return (
    <Panel title="Promised by" note={<OwnerLink owner={owner} />}>
      <FactRows facts={facts} />
      {findings.length > 0 && (
        <ul className={classes.findings} aria-label="Where the promise is not kept">
          {findings.map((row) => (
            <Kept key={`${row.finding.rule} ${row.finding.level} ${row.finding.expected}`} row={row} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Kept({ row: { finding, found, targets } }: { row: FindingRow }) {
  const [first, ...others] = targets;
  return (
    <li>
      <VerdictBadge verdict={finding.level} text={ruleTitle(finding.rule)} />
      <span>
        The pack says {finding.expected}, exposed is {found.join('; ')}
      </span>
      <span className="bw-dim">{finding.remedy}</span>
      {first !== undefined && (
        <span>
          <TargetLink target={first} />
          {others.length > 0 && ` and ${plural(others.length, 'other')}`}
        </span>
      )}
    </li>
  );
}
