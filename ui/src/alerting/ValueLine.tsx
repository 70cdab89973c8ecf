import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api } from '../api/client';
import { formatValue } from '../format/value';
import { TIMED, TIMED_GC_MS, useTime } from '../nav/time';
import { printAst } from '../promql/print';
import { stepFor } from '../time/step';
import classes from './alerting.module.css';
import type { Alert } from './alerts';
import { useComparison } from './useComparison';
import { useRuleOf } from './useRuleOf';
import { seriesOf, sparkOf } from './values';

/** A small line has room for so many times fewer points than a chart. */
const COARSER = 4;

/** How the value of an alert went in the time range, beside the bound that its rule compares it with. */
export function ValueLine({ alert }: { alert: Alert }) {
  const { span, generation } = useTime();
  const rule = useRuleOf(alert)?.rule;
  const { data: comparison } = useComparison(rule?.query ?? '', rule !== undefined);
  const expression = comparison ? printAst(comparison.measured) : (rule?.query ?? '');
  const step = stepFor(span, 'auto') * COARSER;
  // Counted back from the end, which is what matters most. The alerts of a rule share one answer.
  const asked = { start: span.end - floorTo(step * 1000, span.end - span.start), end: span.end };
  const { data } = useQuery({
    queryKey: [TIMED, 'values', expression, asked.start, asked.end, step, generation],
    queryFn: ({ signal }) => api.range(expression, { ...asked, step }, signal),
    enabled: rule !== undefined && comparison !== undefined,
    gcTime: TIMED_GC_MS,
    structuralSharing: false,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
  const result = data?.data.result;
  const bound = comparison?.bound;
  const spark = useMemo(() => {
    if (result?.type !== 'matrix' || rule === undefined) return undefined;
    const series = seriesOf(alert.labels, rule.labels ?? {}, result.series);
    return series && sparkOf(series, span, step, bound);
  }, [result, rule, alert.labels, span, step, bound]);
  if (spark === undefined) return <span className={classes.spark} />;
  const words = `between ${formatValue(spark.lowest)} and ${formatValue(spark.highest)}`;
  const beside = comparison ? `, ${comparison.op} ${formatValue(comparison.bound)} fires` : '';
  return (
    <svg
      className={classes.spark}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      role="img"
      aria-label={`Value ${words}${beside}`}
    >
      <title>{`${words}${beside}`}</title>
      {spark.bound !== undefined && <path className={classes.sparkBound} d={`M0 ${spark.bound}H100`} />}
      <path className={classes.sparkLine} d={spark.path} />
    </svg>
  );
}

const floorTo = (size: number, value: number) => Math.floor(value / size) * size;
