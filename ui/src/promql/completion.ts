import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import type { PrometheusClient } from '@prometheus-io/codemirror-promql/dist/esm/client';
import { HybridComplete } from '@prometheus-io/codemirror-promql/dist/esm/complete/hybrid';
import { metricSelector } from '../labels/labels';
import { searchNames } from '../shell/found';

/** With more names than this, only the best matches are handed to the editor, anew for each key. */
const MOST_NAMES = 2000;

type Source = (context: CompletionContext) => Promise<CompletionResult | null>;

/**
 * Suggestions of metrics, labels, values, functions and keywords. The grammar decides what fits; the names come from
 * the server. Ranking tens of thousands of names on each key would be felt, so a large list is searched first.
 */
export function promqlCompletion(client: PrometheusClient): Source {
  let word = '';
  let cut = false;
  const narrowed: PrometheusClient = {
    ...client,
    metricNames: async () => {
      const names = await client.metricNames();
      cut = names.length > MOST_NAMES;
      if (!cut) return names;
      return word === '' ? names.slice(0, MOST_NAMES) : searchNames(names, word, MOST_NAMES);
    },
  };
  const strategy = new HybridComplete(narrowed);
  return async (context) => {
    word = context.matchBefore(/[\w:.]+/)?.text ?? '';
    cut = false;
    const result = await strategy.promQL(context);
    if (result === null) return null;
    const options = result.options.map(quoteForeignName);
    const { validFor, ...rest } = result;
    return cut || validFor === undefined ? { ...rest, options } : { ...rest, options, validFor };
  };
}

/** A metric name outside the classic alphabet has to be written as a quoted matcher. */
function quoteForeignName(option: Completion): Completion {
  if (option.type !== 'constant' || /^[\w:]+$/.test(option.label)) return option;
  return { ...option, apply: metricSelector(option.label) };
}
