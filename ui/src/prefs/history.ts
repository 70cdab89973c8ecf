import { readStored, writeStored } from './stored';

const KEY = 'bellwether.queries';
const MOST = 200;

/** An expression that was run in this browser. */
export interface PastQuery {
  text: string;
  /** When it was run last, in milliseconds; undefined if that was not noted. */
  at: number | undefined;
}

/** Expressions that were run in this browser, the latest first. */
export function queryHistory(): PastQuery[] {
  try {
    const stored: unknown = JSON.parse(readStored(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.flatMap(readEntry).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** Entries were plain text before their times were noted. */
function readEntry(entry: unknown): PastQuery[] {
  if (typeof entry === 'string') return [{ text: entry, at: undefined }];
  if (typeof entry !== 'object' || entry === null) return [];
  const { text, at } = entry as { text?: unknown; at?: unknown };
  return typeof text === 'string' ? [{ text, at: typeof at === 'number' ? at : undefined }] : [];
}

export function rememberQuery(expression: string, now = Date.now()): void {
  const text = expression.trim();
  if (text === '') return;
  const rest = queryHistory().filter((entry) => entry.text !== text);
  writeStored(KEY, JSON.stringify([{ text, at: now }, ...rest].slice(0, MOST)));
}

export function forgetQuery(text: string): void {
  writeStored(KEY, JSON.stringify(queryHistory().filter((entry) => entry.text !== text)));
}

export function forgetQueries(): void {
  writeStored(KEY, '[]');
}
