/** Search parameters as the router keeps them: plain text, several values where a key repeats. */
export type RawSearch = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How one part of a page's state is written in the URL. */
export interface Field<T> {
  /** What holds when the key is absent; it is not written. */
  initial: T;
  /** Reads the values of the key; undefined if they make no sense, then `initial` holds. */
  parse(values: readonly string[]): T | undefined;
  /** Writes the state, as many values as the key shall have. */
  format(state: T): readonly string[];
}

// The bound has to admit fields of every type; each use of the codec is fully typed again.
// biome-ignore lint/suspicious/noExplicitAny: variance of Field
type Fields = Record<string, Field<any>>;

export type StateOf<F extends Fields> = { [K in keyof F]: F[K]['initial'] };

export interface Codec<S> {
  decode(search: RawSearch): S;
  /** Only what differs from the initial state, so that links stay short. */
  encode(state: Partial<S>): RawSearch;
  keys: readonly string[];
}

/** A codec from named fields: one place per page says what its URL can hold. */
export function codec<F extends Fields>(fields: F): Codec<StateOf<F>> {
  const entries = Object.entries(fields);
  return {
    keys: Object.keys(fields),
    decode(search) {
      const state = entries.map(([key, field]) => {
        const raw = search[key];
        const values = raw === undefined ? undefined : typeof raw === 'string' ? [raw] : raw;
        return [key, (values && field.parse(values)) ?? field.initial] as const;
      });
      return Object.fromEntries(state) as StateOf<F>;
    },
    encode(state) {
      const search: Record<string, string | readonly string[]> = {};
      for (const [key, field] of entries) {
        const value = state[key as keyof F];
        if (value === undefined) continue;
        const values = field.format(value);
        if (same(values, field.format(field.initial))) continue;
        const [only] = values;
        search[key] = values.length === 1 && only !== undefined ? only : values;
      }
      return search;
    },
  };
}

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((v, i) => v === b[i]);

/** Free text. */
export function text(initial = ''): Field<string> {
  return { initial, parse: ([value]) => value, format: (value) => [value] };
}

/** One of a few words; the first is the initial one. */
export function oneOf<const W extends string>(words: readonly [W, ...W[]]): Field<W> {
  return {
    initial: words[0],
    parse: ([value]) => words.find((word) => word === value),
    format: (value) => [value],
  };
}

/** Anything with a text form of its own. */
export function written<T>(initial: T, parse: (text: string) => T | undefined, format: (value: T) => string): Field<T> {
  return { initial, parse: ([value]) => (value === undefined ? undefined : parse(value)), format: (v) => [format(v)] };
}

/** A repeated key. */
export function list(initial: readonly string[]): Field<readonly string[]> {
  return { initial, parse: (values) => values, format: (values) => values };
}

/** A set of small numbers: `off=0.2`. */
export function indices(): Field<readonly number[]> {
  return {
    initial: [],
    parse: ([value]) => {
      const numbers = (value ?? '').split('.').map(Number);
      return numbers.every((n) => Number.isInteger(n) && n >= 0 && n < 100) ? numbers : undefined;
    },
    format: (numbers) => (numbers.length === 0 ? [] : [numbers.join('.')]),
  };
}

/** The query string of a URL. Keys come out in the order of the record; characters that are safe stay readable. */
export function stringifySearch(search: Record<string, unknown>): string {
  const parts: string[] = [];
  for (const [key, raw] of Object.entries(search)) {
    for (const value of Array.isArray(raw) ? raw : [raw]) {
      if (typeof value === 'string') parts.push(`${escapePart(key)}=${escapePart(value)}`);
    }
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** `encodeURIComponent`, but a space is `+` and the characters of PromQL that a query string allows stay themselves. */
function escapePart(value: string): string {
  return encodeURIComponent(value)
    .replace(/%20/g, '+')
    .replace(/%(3A|2C|2F|40)/g, decodeURIComponent);
}

export function parseSearch(query: string): Record<string, string | string[]> {
  const search: Record<string, string | string[]> = {};
  for (const [key, value] of new URLSearchParams(query)) {
    const earlier = search[key];
    if (earlier === undefined) search[key] = value;
    else search[key] = [earlier, value].flat();
  }
  return search;
}
