import { readStored, writeStored } from './stored';

const KEY = 'bellwether.author';

/** The name under which this browser makes silences; empty before the first one. */
export function author(): string {
  return readStored(KEY) ?? '';
}

export function rememberAuthor(name: string): void {
  writeStored(KEY, name.trim());
}
