import { useVirtualizer } from '@tanstack/react-virtual';
import type { RefObject } from 'react';

/** Lists with more rows than this keep only the rows in view in the page. */
export const VIRTUAL_FROM = 200;

export interface RowWindow {
  /** Positions of the rows to render. */
  rows: number[];
  /** Height of what is left out above and below, in px. */
  before: number;
  after: number;
  scrollTo(index: number): void;
}

/** The part of a long list that is in view; the heights of its rows are known. Short lists are rendered whole. */
export function useVirtualRows(
  count: number,
  rowHeight: number | ((index: number) => number),
  scroller: RefObject<HTMLElement | null>,
): RowWindow {
  const virtual = count > VIRTUAL_FROM;
  const virtualizer = useVirtualizer({
    count,
    enabled: virtual,
    estimateSize: typeof rowHeight === 'number' ? () => rowHeight : rowHeight,
    getScrollElement: () => scroller.current,
    overscan: 12,
    // Before the first layout there is no size yet.
    initialRect: { width: 800, height: 600 },
  });
  if (!virtual) {
    const scrollTo = (index: number) =>
      scroller.current?.querySelectorAll('[data-row]')[index]?.scrollIntoView({ block: 'nearest' });
    return { rows: Array.from({ length: count }, (_, i) => i), before: 0, after: 0, scrollTo };
  }
  const items = virtualizer.getVirtualItems();
  const [first, last] = [items[0], items.at(-1)];
  return {
    rows: items.map((item) => item.index),
    before: first?.start ?? 0,
    after: last === undefined ? 0 : virtualizer.getTotalSize() - last.end,
    scrollTo: (index) => virtualizer.scrollToIndex(index, { align: 'auto' }),
  };
}
