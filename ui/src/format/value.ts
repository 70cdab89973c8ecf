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
  ['µ', 1e-6],
  ['n', 1e-9],
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
  // 0.0154 reads better than 15.4 m, which could as well be minutes.
  if (unit === 'short' && Math.abs(value) < 1 && Math.abs(value) >= 1e-3) return trim(value, 4);
  const [suffix, size] = pick(SCALES[unit], Math.abs(value));
  return `${trim(value / size, 4)}${suffix}`;
}

/** A formatter for the marks of one axis: one suffix and one number of digits for all of them. */
export function axisFormat(marks: readonly number[], unit: Unit): (value: number) => string {
  const largest = Math.max(...marks.map(Math.abs), 0);
  const [suffix, size] = axisScale(unit, largest);
  const digits = digitsFor(marks.map((mark) => mark / size));
  return (value) => {
    const text = (value / size).toFixed(digits);
    return value === 0 ? `0${unit === 'percent' ? ' %' : ''}` : `${shorten(text)}${suffix}`;
  };
}

function axisScale(unit: Unit, largest: number): readonly [string, number] {
  if (unit === 'raw') return ['', 1];
  if (unit === 'percent') return [' %', 0.01];
  if (unit === 'short' && largest >= 1e-3 && largest < 1) return ['', 1];
  return pick(SCALES[unit], largest);
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
  return text.includes('e') ? formatExact(Number(text)) : shorten(text);
}

/** The number as the server means it: every digit, the field's words for infinities and not-a-number. */
export function formatExact(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
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
