import type { Page } from 'playwright-core';
import { answer, SERVER } from './browser';

/** The query that explanations are tested with. */
export const EXPLAINED = 'sum by (job) (rate(http_requests_total{code="500"}[5m])) / 2 > 3';

const node = (from: string, role: string, kind: string, sentence: string, children: unknown[] = []) => {
  const start = EXPLAINED.indexOf(from);
  return { span: [start, start + from.length], kind, role, sentence, children };
};

/** What `bellwether promql explain` says of it. */
const WORDS = node(
  EXPLAINED,
  'query',
  'binaryExpr',
  'Keeps the samples on the left that are greater than the number on the right.',
  [
    node(EXPLAINED.slice(0, -4), 'left', 'binaryExpr', 'Divides the left by the right side, for each series.', [
      node(
        EXPLAINED.slice(0, -8),
        'left',
        'aggregation',
        'The sum of the samples of each group; series with the same job are one group, which keeps no other label.',
        [
          node(
            'rate(http_requests_total{code="500"}[5m])',
            'operand',
            'call',
            'The mean growth per second of a counter over the window, extrapolated to its edges; resets are accounted for.',
            [
              node(
                'http_requests_total{code="500"}[5m]',
                'argument',
                'matrixSelector',
                'The samples of the last 5 minutes of each series of the metric http_requests_total whose code is "500".',
              ),
            ],
          ),
        ],
      ),
      node('2 ', 'right', 'numberLiteral', 'The number 2.'),
    ]),
    node('3', 'right', 'numberLiteral', 'The number 3.'),
  ],
);

/** Whether the server under test explains queries itself. */
export async function explains(): Promise<boolean> {
  return (await fetch(`${SERVER}/api/v1/explain?query=up`)).ok;
}

/** Answers in the server's place while it cannot explain. */
export async function lendWords(page: Page): Promise<void> {
  if (!(await explains())) await answer(page, 'explain', WORDS);
}
