import type { TargetCheck } from '../../api/packs';
import { PageLink } from '../../nav/links';
import { VerdictBadge } from '../../states/VerdictBadge';
import { packsCodec } from '../../url/pages';
import { countText, worst } from '../packs/verdicts';
import classes from './targets.module.css';

type Check = TargetCheck | null | undefined;

/** In one word: does the target expose what the packs about it promise? */
export function PackCheck({ check }: { check: Check }) {
  if (check === undefined || check === null) return <span className="bw-dim">–</span>;
  if (check.problem !== null) return <VerdictBadge verdict={undefined} />;
  const word = worst(check.packs);
  if (word === undefined) return <span className="bw-dim">none</span>;
  const errors = check.packs.reduce((sum, pack) => sum + pack.errors, 0);
  const warnings = check.packs.reduce((sum, pack) => sum + pack.warnings, 0);
  return <VerdictBadge verdict={word} text={countText({ errors, warnings })} />;
}

/** The packs about a target with what the last check came to. */
export function PackChecks({ check }: { check: Check }) {
  if (check === undefined || check === null) return <>not checked yet</>;
  if (check.problem !== null) return <>{check.problem}</>;
  if (check.packs.length === 0) return <>none is about this target</>;
  return (
    <ul className={classes.packLinks}>
      {check.packs.map((counts) => (
        <li key={counts.pack}>
          <PageLink to="/system/packs" search={packsCodec.encode({ pack: counts.pack })}>
            {counts.pack}
          </PageLink>
          <VerdictBadge verdict={counts.verdict} text={countText(counts)} />
        </li>
      ))}
    </ul>
  );
}
