import { useState } from 'react';
import { useKeys } from '../nav/keys';

/** Moves through a list with `j` and `k`; Enter opens the row. Returns the chosen position and how to set it. */
export function useRowKeys(
  count: number,
  { open, scrollTo }: { open(index: number): void; scrollTo(index: number): void },
): [number | undefined, (index: number | undefined) => void] {
  const [chosen, setChosen] = useState<number>();
  const move = (by: number) => {
    if (count === 0) return;
    const next = chosen === undefined ? (by > 0 ? 0 : count - 1) : Math.min(count - 1, Math.max(0, chosen + by));
    setChosen(next);
    scrollTo(next);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => chosen !== undefined && chosen < count && open(chosen),
  });
  return [chosen === undefined || chosen >= count ? undefined : chosen, setChosen];
}
