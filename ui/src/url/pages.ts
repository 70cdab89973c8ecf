import type { LabelChoice } from '../api/cardinality';
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

/** The parts of a pack, in the order of its tabs. */
export const PACK_TABS = ['check', 'metrics', 'alerts', 'slos', 'dashboards', 'expressions', 'lint', 'files'] as const;

export type PackTab = (typeof PACK_TABS)[number];

export const packsCodec = codec({
  f: text(),
  /** The pack whose details are open. */
  pack: text(),
  tab: oneOf(PACK_TABS),
  /** The metric of it that is looked at. */
  metric: text(),
});

export const runbooksCodec = codec({
  /** The heading that is meant, in lower case. */
  of: text(),
});

export const statusCodec = codec({
  tab: oneOf(['overview', 'flags', 'config']),
  f: text(),
});

/** `job`, `job=node`; an equals sign in a label's name is escaped. */
const labelChoice = written<LabelChoice | undefined>(
  undefined,
  (text) => {
    if (text === '') return undefined;
    const split = text.indexOf('=');
    const label = (split === -1 ? text : text.slice(0, split)).replace(/%(25|3D)/g, decodeURIComponent);
    return split === -1 ? { label } : { label, value: text.slice(split + 1) };
  },
  (choice) => {
    if (choice === undefined) return '';
    const label = choice.label.replace(/[%=]/g, encodeURIComponent);
    return choice.value === undefined ? label : `${label}=${choice.value}`;
  },
);

export const cardinalityCodec = codec({
  f: text(),
  /** Series of the last so long count as new. */
  window: oneOf(['1h', '5m', '15m', '2h']),
  /** Entries of each list. */
  top: oneOf(['10', '20', '50', '200']),
  /** The metric, label or label with value whose details are open. */
  of: labelChoice,
  /** The label of it that is opened. */
  label: text(),
});

/** The number of a part. */
const part = written<number | undefined>(
  undefined,
  (value) => (/^\d{1,15}$/.test(value) ? Number(value) : undefined),
  (value) => (value === undefined ? '' : String(value)),
);

export const storageCodec = codec({
  /** The part whose details are open. */
  part,
  /** The column by which parts are sorted, from the top or from the bottom. */
  sort: oneOf(['from', 'level', 'series', 'samples', 'bytes', 'density']),
  dir: oneOf(['down', 'up']),
});
