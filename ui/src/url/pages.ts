import { UNITS, type Unit } from '../format/value';
import { parseStep, type Step } from '../time/step';
import { codec, indices, list, oneOf, text, written } from './codec';

/** Which lines of a chart are shown: all but some, or only some. Lines are named by `seriesKey`. */
export interface Visibility {
  mode: 'hide' | 'only';
  keys: readonly string[];
}

export const ALL_VISIBLE: Visibility = { mode: 'hide', keys: [] };

const visibility = written<Visibility>(
  ALL_VISIBLE,
  (value) => {
    const match = /^(hide|only)\.([0-9a-z.]+)$/.exec(value);
    if (match === null) return undefined;
    return { mode: match[1] === 'only' ? 'only' : 'hide', keys: (match[2] ?? '').split('.') };
  },
  ({ mode, keys }) => `${mode}.${keys.join('.')}`,
);

const step = written<Step>('auto', parseStep, (value) => (value === 'auto' ? 'auto' : String(value)));

/** `auto` follows the metric's name. */
const unit = oneOf<Unit | 'auto'>(['auto', ...UNITS.map((u) => u.value)]);

/** Lines drawn at first: more can be asked for. */
export const FIRST_LINES = 100;

/** How many lines are drawn. */
export type Top = number | 'all';

const top = written<Top>(
  FIRST_LINES,
  (value) => {
    if (value === 'all') return 'all';
    const lines = Number(value);
    return Number.isInteger(lines) && lines >= 10 && lines <= 10_000 ? lines : undefined;
  },
  String,
);

/** A position among the queries. */
const position = written(
  0,
  (value) => (/^\d{1,2}$/.test(value) ? Number(value) : undefined),
  (value) => String(value),
);

export const exploreCodec = codec({
  /** One expression per query. */
  q: list(['']),
  /** Positions of the queries that are switched off. */
  off: indices(),
  tab: oneOf(['graph', 'table', 'heatmap', 'tree', 'explain']),
  /** The query that heatmap, tree and explanation are about. */
  of: position,
  /** What the table asks for: the values at the end of the range, or a summary over it. */
  at: oneOf(['instant', 'range']),
  step,
  unit,
  /** So many series are drawn; all are counted. */
  top,
  /** Which series are drawn if there are more: those with the highest peak, or those that end highest. */
  rank: oneOf(['max', 'last']),
  show: visibility,
  exemplars: oneOf(['off', 'on']),
  /** The metric browser beside the page, what is searched in it, and which metric is looked at. */
  browse: oneOf(['off', 'on']),
  find: text(),
  metric: text(),
});

export type ExploreState = ReturnType<typeof exploreCodec.decode>;

export const metricsCodec = codec({
  f: text(),
  type: oneOf(['all', 'counter', 'gauge', 'histogram', 'summary', 'info', 'stateset', 'unknown']),
  sort: oneOf(['name', 'series', 'type']),
});

export const metricCodec = codec({
  /** The label whose values are listed with their series. */
  label: text(),
});

export const targetsCodec = codec({
  tab: oneOf(['active', 'dropped']),
  f: text(),
  health: oneOf(['all', 'up', 'down', 'unknown']),
  /** The target whose details are open: its pool and address. */
  open: text(),
});

export const statusCodec = codec({
  tab: oneOf(['overview', 'cardinality', 'flags', 'config']),
  f: text(),
});
