import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { type Codec, type RawSearch, stringifySearch } from '../url/codec';

export interface SetOptions {
  /** Do not leave a step in the browser's history: for typing into a filter, say. */
  replace?: boolean;
}

/** A page's part of the URL as state. What the codec does not know stays as it is. */
export function useUrlState<S>(codec: Codec<S>): [S, (patch: Partial<S>, options?: SetOptions) => void] {
  const search: RawSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  // Only our own keys count, so that the state stays the same object when others change theirs.
  const own = stringifySearch(Object.fromEntries(codec.keys.map((key) => [key, search[key]])));
  // biome-ignore lint/correctness/useExhaustiveDependencies: `own` is the text of all that is read from `search`
  const state = useMemo(() => codec.decode(search), [codec, own]);
  const set = useCallback(
    (patch: Partial<S>, { replace = false }: SetOptions = {}) => {
      void navigate({
        to: '.',
        replace,
        resetScroll: false,
        search: (previous: RawSearch) => {
          const kept = Object.entries(previous).filter(([key]) => !codec.keys.includes(key));
          return { ...Object.fromEntries(kept), ...codec.encode({ ...codec.decode(previous), ...patch }) };
        },
      });
    },
    [codec, navigate],
  );
  return [state, set];
}
