import type { StoragePart } from '../../api/storage';

/** Parts that do not overlap each other, on one line. */
export interface Lane {
  level: number;
  parts: StoragePart[];
}

/** Levels from the newest parts to the oldest; parts of a level that overlap get lines of their own. */
export function lanes(parts: readonly StoragePart[]): Lane[] {
  const all: Lane[] = [];
  const inOrder = parts.toSorted((a, b) => a.level - b.level || a.minTime - b.minTime || a.id - b.id);
  for (const part of inOrder) {
    const fits = (lane: Lane) => lane.level === part.level && (lane.parts.at(-1)?.maxTime ?? 0) < part.minTime;
    const lane = all.find(fits);
    if (lane === undefined) all.push({ level: part.level, parts: [part] });
    else lane.parts.push(part);
  }
  return all;
}

/** From the oldest sample on disk or in memory to the newest; undefined without any. */
export function storedSpan(parts: readonly StoragePart[], head: { minTime: number | null; maxTime: number | null }) {
  const starts = parts.map(({ minTime }) => minTime);
  const ends = parts.map(({ maxTime }) => maxTime);
  if (head.minTime !== null) starts.push(head.minTime);
  if (head.maxTime !== null) ends.push(head.maxTime);
  const start = starts.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const end = ends.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY);
  return start <= end ? { start, end: Math.max(end, start + 1) } : undefined;
}
