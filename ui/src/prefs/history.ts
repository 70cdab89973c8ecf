import { readStored, writeStored } from './stored';

const KEY = 'bellwether.queries';
const MOST = 100;

/** Expressions that were run in this browser, the latest first. */
export function queryHistory(): string[] {
  try {
    const stored: unknown = JSON.parse(readStored(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter((entry) => typeof entry === 'string').slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export function rememberQuery(expression: string): void {
  const text = expression.trim();
  if (text === '') return;
  const rest = queryHistory().filter((entry) => entry !== text);
  writeStored(KEY, JSON.stringify([text, ...rest].slice(0, MOST)));
}

export function forgetQueries(): void {
  writeStored(KEY, '[]');
}
