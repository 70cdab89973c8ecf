import type { ExploreState } from '../../url/pages';

/** A query as the user edits it; the URL holds what was run last. */
export interface Draft {
  /** Stays the same while others come and go. */
  id: number;
  text: string;
  on: boolean;
}

/** More queries than this on one axis cannot be told apart. */
export const MOST_QUERIES = 8;

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The letter that names the query at a position. */
export const letter = (position: number) => LETTERS[position % LETTERS.length] ?? 'A';

export function draftsOf({ q, off }: Pick<ExploreState, 'q' | 'off'>, firstId: number): Draft[] {
  const texts = q.length === 0 ? [''] : q.slice(0, MOST_QUERIES);
  return texts.map((text, i) => ({ id: firstId + i, text, on: !off.includes(i) }));
}

/** What the URL shall hold for the drafts. Empty ones are left out unless nothing else is there. */
export function urlOf(drafts: readonly Draft[]): Pick<ExploreState, 'q' | 'off'> {
  const filled = drafts.filter(({ text }) => text.trim() !== '');
  const off = filled.flatMap(({ on }, i) => (on ? [] : [i]));
  return { q: filled.length === 0 ? [''] : filled.map(({ text }) => text.trim()), off };
}
