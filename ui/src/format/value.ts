/** How the numbers of a chart or a column are written. */
export type Unit = 'short' | 'bytes' | 'seconds' | 'percent' | 'raw';

export const UNITS: readonly { value: Unit; label: string }[] = [
  { value: 'short', label: 'Short (1.2 k)' },
  { value: 'bytes', label: 'Bytes (1.2 MiB)' },
  { value: 'seconds', label: 'Seconds (1.2 ms)' },
  { value: 'percent', label: 'Percent (of 1)' },
  { value: 'raw', label: 'Raw' },
];

type Scale = readonly (readonly [suffix: string, size: number])[];

const SI: Scale = [
  ['E', 1e18],
  ['P', 1e15],
  ['T', 1e12],
  ['G', 1e9],
  ['M', 1e6],
  ['k', 1e3],
  ['', 1],
];

const BINARY: Scale = [
  [' EiB', 2 ** 60],
  [' PiB', 2 ** 50],
  [' TiB', 2 ** 40],
  [' GiB', 2 ** 30],
  [' MiB', 2 ** 20],
  [' KiB', 2 ** 10],
  [' B', 1],
];

const TIME: Scale = [
  [' d', 86_400],
  [' h', 3600],
  [' min', 60],
  [' s', 1],
  [' ms', 1e-3],
  [' µs', 1e-6],
  [' ns', 1e-9],
];

const SCALES: Record<Exclude<Unit, 'percent' | 'raw'>, Scale> = { short: SI, bytes: BINARY, seconds: TIME };

/** A number for a narrow place: about four digits and a suffix. The exact one stands in the tooltip. */
export function formatValue(value: number, unit: Unit = 'short'): string {
  if (!Number.isFinite(value)) return formatExact(value);
  if (unit === 'raw') return formatExact(value);
  if (unit === 'percent') return `${trim(value * 100, 4)} %`;
  const [suffix, size] = pick(SCALES[unit], Math.abs(value));
  return `${trim(value / size, 4)}${suffix}`;
}

/** A formatter for the marks of one axis: one suffix and one number of digits for all of them. */
export function axisFormat(marks: readonly number[], unit: Unit): (value: number) => string {
  const [suffix, size] = axisScale(unit, marks);
  const digits = digitsFor(marks.map((mark) => mark / size));
  return (value) => {
    const text = (value / size).toFixed(digits);
    return value === 0 ? `0${unit === 'percent' ? ' %' : ''}` : `${shorten(text)}${suffix}`;
  };
}

function axisScale(unit: Unit, marks: readonly number[]): readonly [string, number] {
  if (unit === 'raw') return ['', 1];
  if (unit === 'percent') return [' %', 0.01];
  const scale = SCALES[unit];
  const largest = pick(scale, Math.max(...marks.map(Math.abs), 0));
  // 15 s, 30 s, 45 s and 60 s read better than 0.25 min and so on.
  const even = scale
    .slice(scale.indexOf(largest))
    .find(([, size]) => digitsFor(marks.map((mark) => mark / size)) <= 1 && size >= 1);
  return even ?? largest;
}

const DECIMAL = Array.from({ length: 36 }, (_, i) => [1, 2, 5].map((lead) => Number(`${lead}e${i - 18}`))).flat();
const STEPS: Partial<Record<Unit, readonly number[]>> = {
  bytes: Array.from({ length: 70 }, (_, i) => 2 ** i),
  seconds: [
    ...DECIMAL.filter((step) => step < 15),
    ...[15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200],
    ...DECIMAL.filter((step) => step >= 1).map((days) => days * 86_400),
  ],
};

/** Distances between marks that look even in the unit; undefined where 1, 2 and 5 do. */
export function axisSteps(unit: Unit): readonly number[] | undefined {
  return STEPS[unit];
}

/** The fewest decimals that tell all marks apart from their rounded neighbours. */
function digitsFor(marks: readonly number[]): number {
  const fits = (digits: number) => marks.every((m) => Math.abs(Number(m.toFixed(digits)) - m) <= Math.abs(m) * 1e-9);
  let digits = 0;
  while (digits < 12 && !fits(digits)) digits++;
  return digits;
}

/** `2.50` becomes `2.5`, `3.0` becomes `3`. */
const shorten = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

function pick(scale: Scale, size: number): readonly [string, number] {
  const fallback = size === 0 ? scale.find(([, s]) => s === 1) : scale.at(-1);
  return scale.find(([, s]) => size !== 0 && size >= s * 0.99995) ?? fallback ?? ['', 1];
}

function trim(value: number, digits: number): string {
  const text = Math.abs(value) >= 10 ** digits ? value.toFixed(0) : value.toPrecision(digits);
  // JavaScript writes 0.0000001 and less with an exponent, and so do we; `toPrecision` begins it earlier.
  return text.includes('e') ? formatExact(Number(text)) : shorten(text);
}

/** The number as the server means it: every digit, the field's words for infinities and not-a-number. */
export function formatExact(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

const GROUPED = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 });

/** A number for a column of a table: in its unit if it has one, otherwise unscaled, so that rows can be compared. */
export function formatTabular(value: number, unit: Unit): string {
  if (unit !== 'short' || !Number.isFinite(value)) return formatValue(value, unit);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return WHOLE.format(value);
  return size !== 0 && (size < 1e-6 || size >= 1e15)
    ? formatExact(Number(value.toPrecision(6)))
    : GROUPED.format(value);
}

const WHOLE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** A count with the separators of the reader's language. */
export function formatCount(value: number): string {
  return WHOLE.format(value);
}

/** `1 target`, `3 targets`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** The unit that a metric's name promises by the naming rules of the exposition formats. */
export function unitOfName(name: string): Unit {
  const base = name.replace(/_(total|sum|bucket)$/, '');
  if (base.endsWith('_bytes')) return 'bytes';
  if (base.endsWith('_seconds')) return 'seconds';
  if (base.endsWith('_ratio')) return 'percent';
  return 'short';
}
