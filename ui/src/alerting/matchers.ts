import type { SilenceMatcher } from '../api/alerting';
import { escapeValue, type Labels, pairs, quoteName } from '../labels/labels';
import { wordFilter } from '../lists/matches';

export const OPERATORS = ['=', '!=', '=~', '!~'] as const;

export type Operator = (typeof OPERATORS)[number];

/** A condition on one label. A label that is missing counts as empty. */
export interface Matcher {
  name: string;
  op: Operator;
  value: string;
}

/** `severity="page"`, as Alertmanager reads it. */
export function formatMatcher({ name, op, value }: Matcher): string {
  return `${quoteName(name)}${op}"${escapeValue(value)}"`;
}

/** `{alertname="X", severity="page"}` */
export function formatMatchers(matchers: readonly Matcher[]): string {
  return `{${matchers.map(formatMatcher).join(', ')}}`;
}

/** Conditions that an alert with exactly these labels satisfies. */
export function matchersOf(labels: Labels): Matcher[] {
  const name = labels.__name__;
  const own = name === undefined ? [] : ([['__name__', name]] as const);
  return [...own, ...pairs(labels)].map(([label, value]) => ({ name: label, op: '=', value }));
}

export function fromWire({ name, value, isRegex, isEqual = true }: SilenceMatcher): Matcher {
  return { name, value, op: isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=' };
}

export function toWire({ name, value, op }: Matcher): SilenceMatcher {
  return { name, value, isRegex: op === '=~' || op === '!~', isEqual: op === '=' || op === '=~' };
}

const NAME = /\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"=!~,{}]+))\s*/y;
const OPERATOR = /(=~|!~|!=|=)\s*/y;
const VALUE = /(?:"((?:[^"\\]|\\.)*)"|([^\s",{}]*))\s*/y;

/**
 * Reads `{alertname="X", severity=~"page|warn"}`, with or without braces and quotes, as Alertmanager does. Undefined if
 * the text is something else.
 */
export function parseMatchers(text: string): Matcher[] | undefined {
  const trimmed = text.trim();
  const inside = trimmed.startsWith('{') && trimmed.endsWith('}') ? trimmed.slice(1, -1) : trimmed;
  const found: Matcher[] = [];
  let at = 0;
  const read = (form: RegExp): RegExpExecArray | undefined => {
    form.lastIndex = at;
    const match = form.exec(inside) ?? undefined;
    if (match !== undefined) at = form.lastIndex;
    return match;
  };
  while (inside.slice(at).trim() !== '') {
    const name = read(NAME);
    const op = name && read(OPERATOR);
    const value = op && read(VALUE);
    if (name === undefined || op === undefined || value === undefined) return undefined;
    found.push({ name: unquoted(name), op: op[1] as Operator, value: unquoted(value) });
    if (at < inside.length && inside[at] !== ',') return undefined;
    at++;
  }
  return found;
}

function unquoted(match: RegExpExecArray): string {
  const [, quoted, plain = ''] = match;
  if (quoted === undefined) return plain;
  return quoted.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}

/** Whether labels satisfy a matcher. Throws on a regular expression that the browser does not understand. */
export function matcherTest({ name, op, value }: Matcher): (labels: Labels) => boolean {
  const of = (labels: Labels) => labels[name] ?? '';
  if (op === '=') return (labels) => of(labels) === value;
  if (op === '!=') return (labels) => of(labels) !== value;
  // The server's expressions are anchored, and know flags only at the beginning.
  const [, flags = '', body = value] = /^\(\?([is]+)\)(.*)$/s.exec(value) ?? [];
  const form = new RegExp(`^(?:${body})$`, flags);
  return (labels) => form.test(of(labels)) === (op === '=~');
}

/** What a filter field over alerts holds: matchers, words that have to occur, or words and then matchers in braces. */
export interface LabelFilter {
  /** Undefined if there are words, too. */
  matchers: readonly Matcher[] | undefined;
  /** Why nothing can be matched. */
  problem: string | undefined;
  /** `text` is what can be searched for words. */
  matches(labels: Labels, text: string): boolean;
}

/** The words and the matchers of a filter field: what cannot be read as matchers is words. */
function partsOf(text: string): { words: string; matchers: Matcher[] } {
  const matchers = /[=~]/.test(text) ? parseMatchers(text) : undefined;
  if (matchers !== undefined) return { words: '', matchers };
  const [, words = '', braced = ''] = /^([^{]*)(\{.*\})\s*$/s.exec(text) ?? [];
  const behind = braced === '' ? undefined : parseMatchers(braced);
  return behind === undefined ? { words: text, matchers: [] } : { words: words.trim(), matchers: behind };
}

export function labelFilter(text: string): LabelFilter {
  const { words, matchers } = partsOf(text);
  const only = words === '' ? matchers : undefined;
  const hasWords = wordFilter(words);
  try {
    const tests = matchers.map(matcherTest);
    const matches = (labels: Labels, searched: string) => hasWords(searched) && tests.every((test) => test(labels));
    return { matchers: only, problem: undefined, matches };
  } catch (error) {
    return { matchers: only, problem: error instanceof Error ? error.message : String(error), matches: () => false };
  }
}

/** The text of a filter field that asks for these labels beside what it asks for already. */
export function narrowed(text: string, labels: Labels): string {
  const { words, matchers } = partsOf(text);
  const asked = matchers.map(formatMatcher);
  const all = [
    ...asked,
    ...matchersOf(labels)
      .map(formatMatcher)
      .filter((matcher) => !asked.includes(matcher)),
  ].join(', ');
  return words === '' ? all : `${words} {${all}}`;
}
