import { useMemo, useRef } from 'react';
import classes from '../../alerting/alerting.module.css';
import { worstFirst } from '../../alerting/lint';
import { evaluatedMs, fileName } from '../../alerting/rules';
import type { Rule, RuleGroup } from '../../api/alerting';
import { formatCount } from '../../format/value';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { PageLink, useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { VerdictBadge } from '../../states/VerdictBadge';
import { formatAgo, formatDuration, formatSeconds } from '../../time/duration';
import { ruleCodec } from '../../url/alerting';
import { RuleBadge } from './RuleBadge';
import own from './rules.module.css';

const COLUMNS = 5;
const ROW_PX = { group: 32, rule: 48, error: 26 };

type Row =
  | { kind: 'group'; group: RuleGroup }
  | { kind: 'rule' | 'error'; group: RuleGroup; rule: Rule; place: number };

/** Rules below their groups. */
export function RuleTable({ groups }: { groups: readonly RuleGroup[] }) {
  const go = useGo();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => groups.flatMap(rowsOf), [groups]);
  const view = useVirtualRows(rows.length, (index) => ROW_PX[rows[index]?.kind ?? 'rule'], scroller);
  const stops = rows.flatMap((row, index) => (row.kind === 'rule' ? [{ index, row }] : []));
  const [chosen] = useRowKeys(stops.length, {
    open: (stop) => {
      const row = stops[stop]?.row;
      if (row !== undefined) go(pageOf(row.group, row.rule));
    },
    scrollTo: (stop) => view.scrollTo(stops[stop]?.index ?? 0),
  });
  const chosenIndex = chosen === undefined ? undefined : stops[chosen]?.index;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <section ref={scroller} className={`bw-panel ${classes.scroller}`} aria-label="Rules" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Rule</th>
            <th scope="col" data-numeric className={classes.extra}>
              For
            </th>
            <th scope="col" data-numeric className={classes.extra}>
              Evaluated
            </th>
            <th scope="col" data-numeric>
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={COLUMNS} />
          {view.rows.map((index) => {
            const row = rows[index];
            if (row === undefined) return null;
            const key = `${row.group.file} ${row.group.name}`;
            if (row.kind === 'group') return <GroupRow key={key} group={row.group} />;
            const ruleKey = `${key} ${row.place} ${row.rule.name}`;
            if (row.kind === 'error') {
              return (
                <tr key={`${ruleKey} error`} className={own.error} data-row>
                  <td />
                  <td colSpan={COLUMNS - 1} title={row.rule.lastError}>
                    {row.rule.lastError}
                  </td>
                </tr>
              );
            }
            return <RuleRow key={ruleKey} group={row.group} rule={row.rule} chosen={index === chosenIndex} />;
          })}
          <SpacerRow height={view.after} columns={COLUMNS} />
        </tbody>
      </table>
    </section>
  );
}

function rowsOf(group: RuleGroup): Row[] {
  const rules = group.rules.flatMap((rule, place): Row[] => {
    const row: Row = { kind: 'rule', group, rule, place };
    return (rule.lastError ?? '') === '' ? [row] : [row, { ...row, kind: 'error' }];
  });
  return [{ kind: 'group', group }, ...rules];
}

/** Where a rule has its page. */
export function pageOf(group: RuleGroup, rule: Rule) {
  const search = ruleCodec.encode({ file: group.file, group: group.name });
  return { to: '/rules/$name', params: { name: rule.name }, search } as const;
}

function GroupRow({ group }: { group: RuleGroup }) {
  // A round that needs most of its interval will miss one day.
  const slow = group.evaluationTime > group.interval * 0.8;
  return (
    <tr className={own.group} data-row>
      <th scope="rowgroup" colSpan={COLUMNS}>
        <span className={own.groupName}>{group.name}</span>
        <span className={own.groupNote} title={group.file}>
          {fileName(group.file)}, every {formatDuration(group.interval * 1000)}, took{' '}
          <span data-slow={slow || undefined} title={slow ? 'Close to the interval' : undefined}>
            {formatSeconds(group.evaluationTime)}
          </span>
        </span>
      </th>
    </tr>
  );
}

function RuleRow({ group, rule, chosen }: { group: RuleGroup; rule: Rule; chosen: boolean }) {
  const now = useNow();
  const last = evaluatedMs(rule.lastEvaluation);
  return (
    <tr data-row data-chosen={chosen || undefined}>
      <td>
        <RuleBadge rule={rule} />
      </td>
      <td className={`${classes.grow} ${own.rule}`}>
        <div className={own.named}>
          <PageLink {...pageOf(group, rule)} className={classes.open}>
            {rule.name}
          </PageLink>
          <LintMark rule={rule} />
        </div>
        <div className={own.expression} title={rule.query}>
          {rule.query}
        </div>
      </td>
      <td data-numeric className={classes.extra}>
        {rule.type === 'recording' ? '–' : rule.duration === 0 ? 'at once' : formatDuration(rule.duration * 1000)}
      </td>
      <td data-numeric className={classes.extra}>
        {last === undefined ? 'not yet' : formatAgo(Math.max(0, now - last))}
      </td>
      <td data-numeric>{last === undefined ? '–' : formatSeconds(rule.evaluationTime)}</td>
    </tr>
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
