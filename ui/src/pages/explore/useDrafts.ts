import { useRef, useState } from 'react';
import { useTime } from '../../nav/time';
import { rememberQuery } from '../../prefs/history';
import { ALL_VISIBLE, type ExploreState, FIRST_LINES } from '../../url/pages';
import { type Draft, draftsOf, urlOf } from './drafts';

export interface Drafts {
  drafts: readonly Draft[];
  edit(id: number, text: string): void;
  /** Adds a query: an empty one to write in, or one that is run at once. */
  add(text?: string): void;
  /** Adds the same query once more, right below. */
  duplicate(id: number): void;
  remove(id: number): void;
  toggle(id: number): void;
  /** Runs what is written now; the same again asks the server again. */
  run(): void;
  /** Replaces all drafts by one expression and runs it. */
  runOnly(expression: string): void;
}

/** The queries being edited, beside those in the URL. Going back in the browser brings the old ones back. */
export function useDrafts(state: ExploreState, set: (patch: Partial<ExploreState>) => void): Drafts {
  const { reload } = useTime();
  const ids = useRef(1);
  const url = JSON.stringify([state.q, state.off]);
  const fresh = () => {
    const made = draftsOf(state, ids.current);
    ids.current += made.length;
    return made;
  };
  const [held, setHeld] = useState(() => ({ url, drafts: fresh() }));
  let { drafts } = held;
  if (held.url !== url) {
    // Our own run comes back through the URL; the rows then stay as they are, empty ones included.
    const own = JSON.stringify(Object.values(urlOf(drafts))) === url;
    if (!own) drafts = fresh();
    setHeld({ url, drafts });
  }

  const keep = (next: Draft[]) => setHeld({ url, drafts: next });
  const apply = (next: Draft[]) => {
    keep(next);
    const { q, off } = urlOf(next);
    if (JSON.stringify([q, off]) === url) return reload();
    // Other lines have other keys, so what was hidden before means nothing now.
    set({ q, off, ...(JSON.stringify(q) === JSON.stringify(state.q) ? {} : { show: ALL_VISIBLE, top: FIRST_LINES }) });
  };
  return {
    drafts,
    edit: (id, text) => keep(drafts.map((draft) => (draft.id === id ? { ...draft, text } : draft))),
    add: (text = '') => {
      const next = [...drafts, { id: ids.current++, text, on: true }];
      if (text === '') keep(next);
      else apply(next.filter((draft) => draft.text.trim() !== ''));
    },
    duplicate: (id) => {
      const next = drafts.flatMap((draft) => (draft.id === id ? [draft, { ...draft, id: ids.current++ }] : [draft]));
      if (next.some(({ text }) => text.trim() === '')) keep(next);
      else apply(next);
    },
    remove: (id) => {
      const left = drafts.filter((draft) => draft.id !== id);
      apply(left.length === 0 ? [{ id: ids.current++, text: '', on: true }] : left);
    },
    toggle: (id) => apply(drafts.map((draft) => (draft.id === id ? { ...draft, on: !draft.on } : draft))),
    run: () => {
      for (const { text } of drafts) rememberQuery(text);
      // Letters go by position, here and in the URL, so what is empty has to go.
      const filled = drafts.filter(({ text }) => text.trim() !== '');
      apply(filled.length === 0 ? drafts.slice(0, 1) : filled);
    },
    runOnly: (expression) => {
      rememberQuery(expression);
      apply([{ id: ids.current++, text: expression, on: true }]);
    },
  };
}
