import type { CheckedTarget, CheckFinding } from '../../api/packs';
import type { Checked } from './verdicts';

/** The same thing wrong with one metric, at some targets. */
export interface FindingRow {
  finding: CheckFinding;
  /** What the targets expose instead, each once. */
  found: string[];
  targets: CheckedTarget[];
}

/** Everything of one kind and level. */
export interface FindingGroup {
  rule: string;
  level: CheckFinding['level'];
  /** Those that most targets have first. */
  rows: FindingRow[];
}

const LEVELS = ['error', 'warning', 'info'] as const;

/** The findings of all targets by level and kind, the worst first, and what several targets share only once. */
export function groupFindings(checked: readonly Checked[]): FindingGroup[] {
  const groups = new Map<string, FindingGroup>();
  const rows = new Map<string, FindingRow>();
  for (const { target, verdict } of checked) {
    for (const finding of verdict.findings) {
      const { rule, level, metric, expected, found } = finding;
      const group = entry(groups, `${level} ${rule}`, () => ({ rule, level, rows: [] }));
      // Without a metric of the pack, what was found tells findings apart.
      const row = entry(rows, `${level} ${rule} ${metric} ${expected} ${metric === '' ? found : ''}`, () => {
        const made: FindingRow = { finding, found: [], targets: [] };
        group.rows.push(made);
        return made;
      });
      if (!row.found.includes(found)) row.found.push(found);
      if (!row.targets.includes(target)) row.targets.push(target);
    }
  }
  for (const { rows: own } of groups.values()) {
    own.sort((a, b) => b.targets.length - a.targets.length || (subject(a) < subject(b) ? -1 : 1));
  }
  return [...groups.values()].sort(
    (a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) || b.rows.length - a.rows.length,
  );
}

/** What is there, or else is made and put there. */
function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** What a row is about: a metric of the pack, or one that the pack does not have. */
export function subject({ finding }: FindingRow): string {
  return finding.metric === '' ? finding.found : finding.metric;
}

/** The remedy that all rows share; undefined if they differ. */
export function sharedRemedy({ rows }: FindingGroup): string | undefined {
  const [first, ...others] = new Set(rows.map(({ finding }) => finding.remedy));
  return others.length === 0 ? first : undefined;
}

/** How many findings the server counted and did not keep. */
export function uncounted(checked: readonly Checked[]): number {
  const counted = ({ verdict }: Checked) => verdict.errors + verdict.warnings + verdict.infos - verdict.findings.length;
  return checked.reduce((sum, one) => sum + Math.max(0, counted(one)), 0);
}

const TITLES: Readonly<Record<string, string>> = {
  missing: 'Not exposed',
  undeclared: 'Not in the pack',
  'old-name': 'Only under its old name',
  type: 'Of another type',
  unit: 'In another unit',
  label: 'With other labels',
  value: 'With unknown values',
  bucket: 'With other buckets',
  cardinality: 'At or above a limit',
  untouched: 'Never counted',
};

/** A kind of finding in words. */
export function ruleTitle(rule: string): string {
  return TITLES[rule] ?? rule;
}
