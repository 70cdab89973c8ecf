import { useMemo } from 'react';
import { worstFirst } from '../../alerting/lint';
import { evaluatedMs, fileName } from '../../alerting/rules';
import type { Rule, RuleGroup } from '../../api/alerting';
import { formatCount } from '../../format/value';
import type { Column } from '../../lists/columns';
import { ListTable } from '../../lists/ListTable';
import type { ListGroup } from '../../lists/lines';
import { type GroupHead, Under } from '../../lists/rows';
import table from '../../lists/table.module.css';
import { PageLink, useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { VerdictBadge } from '../../states/VerdictBadge';
import { formatDuration, formatSeconds, formatSince } from '../../time/duration';
import { ruleCodec } from '../../url/alerting';
import { RuleBadge } from './RuleBadge';
import own from './rules.module.css';

interface Listed {
  group: RuleGroup;
  rule: Rule;
}

/** Rules below their groups. */
export function RuleTable({ groups }: { groups: readonly RuleGroup[] }) {
  const go = useGo();
  const now = useNow();
  const listed = useMemo(() => groups.map(listedGroup), [groups]);
  const last = ({ rule }: Listed) => evaluatedMs(rule.lastEvaluation);
  const columns: Column<Listed>[] = [
    { head: 'State', cell: ({ rule }) => <RuleBadge rule={rule} /> },
    {
      head: 'Rule',
      main: true,
      cell: ({ group, rule }) => (
        <>
          <div className={own.named}>
            <PageLink {...pageOf(group, rule)} className={table.open}>
              {rule.name}
            </PageLink>
            <LintMark rule={rule} />
          </div>
          <Under title={rule.query}>
            <span className="bw-mono">{rule.query}</span>
          </Under>
        </>
      ),
    },
    { head: 'For', extra: true, numeric: true, cell: ({ rule }) => waitText(rule) },
    {
      head: 'Evaluated',
      extra: true,
      numeric: true,
      cell: (one) => {
        const ms = last(one);
        return ms === undefined ? 'not yet' : formatSince(ms, now);
      },
    },
    {
      head: 'Took',
      numeric: true,
      cell: (one) => (last(one) === undefined ? '–' : formatSeconds(one.rule.evaluationTime)),
    },
  ];
  return (
    <ListTable
      label="Rules"
      columns={columns}
      groups={listed}
      keyOf={keyOf}
      errorOf={errorOf}
      tall
      onOpen={({ group, rule }) => go(pageOf(group, rule))}
    />
  );
}

const listedGroup = (group: RuleGroup): ListGroup<Listed> => ({
  key: `${group.file} ${group.name}`,
  head: () => headOf(group),
  rows: group.rules.map((rule) => ({ group, rule })),
});

const keyOf = ({ rule }: Listed, place: number) => `${place} ${rule.name}`;
const errorOf = ({ rule: { lastError = '' } }: Listed) => (lastError === '' ? undefined : { error: lastError });

/** How long the condition of a rule has to hold. */
function waitText(rule: Rule): string {
  if (rule.type === 'recording') return '–';
  return rule.duration === 0 ? 'at once' : formatDuration(rule.duration * 1000);
}

/** Where a rule has its page. */
export function pageOf(group: RuleGroup, rule: Rule) {
  const search = ruleCodec.encode({ file: group.file, group: group.name });
  return { to: '/rules/$name', params: { name: rule.name }, search } as const;
}

function headOf({ name, file, interval, evaluationTime }: RuleGroup): GroupHead {
  // A round that needs most of its interval will miss one day.
  const slow = evaluationTime > interval * 0.8;
  return {
    name,
    note: (
      <span title={file}>
        {fileName(file)}, every {formatDuration(interval * 1000)}, took{' '}
        <span data-warns={slow || undefined} title={slow ? 'Close to the interval' : undefined}>
          {formatSeconds(evaluationTime)}
        </span>
      </span>
    ),
  };
}

/** How many findings of lint a rule has, in the look of the worst. */
function LintMark({ rule: { lint = [] } }: { rule: Rule }) {
  const [worst] = worstFirst(lint);
  if (worst === undefined) return null;
  return (
    <span className={own.mark} title={worst.message}>
      <VerdictBadge verdict={worst.severity} text={`Lint ${formatCount(lint.length)}`} />
    </span>
  );
}
