import { useMemo } from 'react';
import { worstFirst } from '../../alerting/lint';
import { evaluatedMs, fileName } from '../../alerting/rules';
import type { Rule, RuleGroup } from '../../api/alerting';
import { formatCount } from '../../format/value';
import { ListTable } from '../../lists/ListTable';
import { ErrorRow, GroupRow, MainCell, ROW_PX, Row } from '../../lists/rows';
import table from '../../lists/table.module.css';
import { PageLink, useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { VerdictBadge } from '../../states/VerdictBadge';
import { formatAgo, formatDuration, formatSeconds } from '../../time/duration';
import { ruleCodec } from '../../url/alerting';
import { RuleBadge } from './RuleBadge';
import own from './rules.module.css';

const COLUMNS = 5;

type Listed =
  | { kind: 'group'; group: RuleGroup }
  | { kind: 'rule' | 'error'; group: RuleGroup; rule: Rule; place: number };

/** Rules below their groups. */
export function RuleTable({ groups }: { groups: readonly RuleGroup[] }) {
  const go = useGo();
  const rows = useMemo(() => groups.flatMap(rowsOf), [groups]);
  return (
    <ListTable
      label="Rules"
      columns={COLUMNS}
      head={
        <>
          <th scope="col">State</th>
          <th scope="col">Rule</th>
          <th scope="col" data-extra data-numeric>
            For
          </th>
          <th scope="col" data-extra data-numeric>
            Evaluated
          </th>
          <th scope="col" data-numeric>
            Took
          </th>
        </>
      }
      rows={rows}
      rowPx={heightOf}
      stops={isRule}
      onOpen={(row) => {
        if (row.kind !== 'group') go(pageOf(row.group, row.rule));
      }}
    >
      {(row, chosen) => {
        const key = `${row.group.file} ${row.group.name}`;
        if (row.kind === 'group') return <RuleGroupRow key={key} group={row.group} />;
        const ruleKey = `${key} ${row.place} ${row.rule.name}`;
        if (row.kind === 'error') {
          return <ErrorRow key={`${ruleKey} error`} columns={COLUMNS} error={row.rule.lastError ?? ''} />;
        }
        return <RuleRow key={ruleKey} group={row.group} rule={row.rule} chosen={chosen} />;
      }}
    </ListTable>
  );
}

const HEIGHTS = { group: ROW_PX.group, rule: ROW_PX.two, error: ROW_PX.error };
const heightOf = ({ kind }: Listed) => HEIGHTS[kind];
const isRule = ({ kind }: Listed) => kind === 'rule';

function rowsOf(group: RuleGroup): Listed[] {
  const rules = group.rules.flatMap((rule, place): Listed[] => {
    const row: Listed = { kind: 'rule', group, rule, place };
    return (rule.lastError ?? '') === '' ? [row] : [row, { ...row, kind: 'error' }];
  });
  return [{ kind: 'group', group }, ...rules];
}

/** Where a rule has its page. */
export function pageOf(group: RuleGroup, rule: Rule) {
  const search = ruleCodec.encode({ file: group.file, group: group.name });
  return { to: '/rules/$name', params: { name: rule.name }, search } as const;
}

function RuleGroupRow({ group }: { group: RuleGroup }) {
  // A round that needs most of its interval will miss one day.
  const slow = group.evaluationTime > group.interval * 0.8;
  return (
    <GroupRow
      columns={COLUMNS}
      name={group.name}
      note={
        <span title={group.file}>
          {fileName(group.file)}, every {formatDuration(group.interval * 1000)}, took{' '}
          <span data-slow={slow || undefined} title={slow ? 'Close to the interval' : undefined}>
            {formatSeconds(group.evaluationTime)}
          </span>
        </span>
      }
    />
  );
}

function RuleRow({ group, rule, chosen }: { group: RuleGroup; rule: Rule; chosen: boolean }) {
  const now = useNow();
  const last = evaluatedMs(rule.lastEvaluation);
  return (
    <Row chosen={chosen} tall>
      <td>
        <RuleBadge rule={rule} />
      </td>
      <MainCell under={<span className="bw-mono">{rule.query}</span>} underTitle={rule.query}>
        <div className={own.named}>
          <PageLink {...pageOf(group, rule)} className={table.open}>
            {rule.name}
          </PageLink>
          <LintMark rule={rule} />
        </div>
      </MainCell>
      <td data-extra data-numeric>
        {rule.type === 'recording' ? '–' : rule.duration === 0 ? 'at once' : formatDuration(rule.duration * 1000)}
      </td>
      <td data-extra data-numeric>
        {last === undefined ? 'not yet' : formatAgo(Math.max(0, now - last))}
      </td>
      <td data-numeric>{last === undefined ? '–' : formatSeconds(rule.evaluationTime)}</td>
    </Row>
  );
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
