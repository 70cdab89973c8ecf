import type { Span } from './bound';
import { parseDuration } from './duration';

/** The server refuses a range query with more points per series. */
export const MAX_POINTS = 11_000;

/** About this many points are asked for when the step is chosen automatically. */
const AUTO_POINTS = 400;

/** Steps in seconds that divide minutes, hours and days evenly. */
const LADDER = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
  604_800,
];

/** A step as it stands in the URL: chosen by the page, or a number of seconds. */
export type Step = 'auto' | number;

export function parseStep(text: string): Step | undefined {
  if (text === 'auto') return 'auto';
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (parseDuration(text) ?? 0) / 1000;
  return seconds > 0 && Number.isFinite(seconds) ? seconds : undefined;
}

/** The step in seconds to use for a range. */
export function stepFor(span: Span, step: Step): number {
  if (step !== 'auto') return step;
  const ideal = (span.end - span.start) / 1000 / AUTO_POINTS;
  return LADDER.find((candidate) => candidate >= ideal) ?? Math.ceil(ideal / 604_800) * 604_800;
}

/** The smallest step that the server accepts for the range, or undefined if `step` is large enough. */
export function tooFine(span: Span, step: number): number | undefined {
  const seconds = (span.end - span.start) / 1000;
  return seconds / step > MAX_POINTS ? Math.ceil(seconds / MAX_POINTS) : undefined;
}

/** Both ends moved down to multiples of the step, so that a line does not wobble while the range moves on. */
export function alignSpan(span: Span, step: number): Span {
  const grid = Math.max(1, Math.round(step * 1000));
  const down = (ms: number) => Math.floor(ms / grid) * grid;
  return { start: down(span.start), end: down(span.end) };
}
