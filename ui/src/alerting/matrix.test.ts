import { expect, test } from 'vitest';
import type { Labels } from '../labels/labels';
import { type Alert, joinAlerts } from './alerts';
import { makeMatrix, matrixLabels, totalOf } from './matrix';

function alert(labels: Labels, state: 'firing' | 'pending' = 'firing'): Alert {
  const activeAt = '2026-11-26T10:00:00Z';
  const [made] = joinAlerts([{ labels, annotations: {}, state, activeAt, value: '1' }], []);
  if (made === undefined) throw new Error('no alert');
  return made;
}

const ALERTS = [
  alert({ alertname: 'Many', team: 'a', n: '1' }, 'pending'),
  alert({ alertname: 'Many', team: 'a', n: '2' }, 'pending'),
  alert({ alertname: 'Many', n: '3' }, 'pending'),
  alert({ alertname: 'Fires', team: 'b' }),
];
const LABELS = { rows: 'alertname', columns: 'team' };

test('alerts are counted by two labels, what fires first, and a missing label counts as empty', () => {
  const matrix = makeMatrix(ALERTS, LABELS, { rows: 9, columns: 9 });
  expect(matrix.rows.map(({ value }) => value)).toEqual(['Fires', 'Many']);
  expect(matrix.columns.map(({ value, counts }) => [value, totalOf(counts)])).toEqual([
    ['b', 1],
    ['a', 2],
    ['', 1],
  ]);
  expect(matrix.cell('Many', 'a')).toEqual({ firing: 0, pending: 2, suppressed: 0 });
  expect(matrix.cell('Many', '')).toEqual({ firing: 0, pending: 1, suppressed: 0 });
  expect(matrix.cell('Fires', 'a')).toBeUndefined();
  expect([matrix.moreRows, matrix.moreColumns]).toEqual([0, 0]);
});

test('of too many values, those stay of which most fires', () => {
  const matrix = makeMatrix(ALERTS, LABELS, { rows: 1, columns: 2 });
  expect(matrix.rows.map(({ value }) => value)).toEqual(['Fires']);
  expect([matrix.moreRows, matrix.moreColumns]).toEqual([1, 1]);
});

test('without a choice, names are counted by severity if there is one', () => {
  const none = { rows: '', columns: '' };
  expect(matrixLabels(['alertname', 'job', 'severity'], none)).toEqual({ rows: 'alertname', columns: 'severity' });
  expect(matrixLabels(['alertname', 'job'], none)).toEqual({ rows: 'alertname', columns: 'job' });
  expect(matrixLabels(['alertname'], { rows: 'job', columns: '' })).toEqual({ rows: 'job', columns: 'alertname' });
});
