import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { useZone } from '../prefs/zone';
import { absolute, formatBound, isLive, type Range, resolveRange, type Span } from '../time/bound';
import type { Zone } from '../time/zone';
import { rangeCodec } from '../url/range';
import { useUrlState } from './useUrlState';

/** First part of the key of every query whose answer depends on the time range. */
export const TIMED = 'timed';

/** Such answers can be large; those of an earlier moment are dropped soon. */
export const TIMED_GC_MS = 15_000;

export interface TimeState {
  range: Range;
  /** Auto refresh in milliseconds; 0 is off. */
  refresh: number;
  zone: Zone;
  /** The range on the clock, as of the last refresh. */
  span: Span;
  /** Grows with each refresh; part of query keys. */
  generation: number;
  setRange(range: Range): void;
  setSpan(span: Span): void;
  setRefresh(ms: number): void;
  /** Reads the clock and asks the server again. */
  reload(): void;
}

const TimeContext = createContext<TimeState | undefined>(undefined);

/** The time range of all pages: in the URL, resolved against one clock. */
export function TimeProvider({ children }: { children: ReactNode }) {
  const [{ from, to, refresh }, setUrl] = useUrlState(rangeCodec);
  const { zone } = useZone();
  const client = useQueryClient();
  const key = `${formatBound(from)} ${formatBound(to)}`;
  const [clock, setClock] = useState(() => ({ key, now: Date.now(), generation: 0 }));
  // Another range is read against the present, not against the moment of the last refresh.
  if (clock.key !== key) setClock({ ...clock, key, now: Date.now() });

  const reload = useCallback(() => {
    setClock((old) => ({ ...old, now: Date.now(), generation: old.generation + 1 }));
    void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== TIMED });
  }, [client]);

  useEffect(() => {
    if (refresh === 0) return;
    const timer = setInterval(() => {
      // A page that nobody sees asks for nothing; it catches up at the next tick after it is shown again.
      if (document.visibilityState === 'visible') {
        setClock((old) => ({ ...old, now: Date.now(), generation: old.generation + 1 }));
      }
    }, refresh);
    return () => clearInterval(timer);
  }, [refresh]);

  const state = useMemo((): TimeState => {
    const range = { from, to };
    return {
      range,
      refresh,
      zone,
      span: resolveRange(range, clock.now, zone),
      generation: clock.generation,
      setRange: (next) => setUrl({ from: next.from, to: next.to }),
      setSpan: (next) => setUrl({ from: absolute(next.start), to: absolute(next.end) }),
      setRefresh: (ms) => setUrl({ refresh: ms }),
      reload,
    };
  }, [from, to, refresh, zone, clock, setUrl, reload]);
  return <TimeContext value={state}>{children}</TimeContext>;
}

export function useTime(): TimeState {
  const state = useContext(TimeContext);
  if (state === undefined) throw new Error('BUG: useTime outside of TimeProvider');
  return state;
}

/** The moves of the time bar: half the range at a time. */
export function useTimeMoves() {
  const { span, range, setSpan, setRange } = useTime();
  const length = span.end - span.start;
  const clamp = ({ start, end }: Span): Span => {
    // Zooming out must not show a future in which nothing can have happened.
    const ahead = Math.max(0, end - Math.max(Date.now(), span.end));
    return { start: Math.round(start - ahead), end: Math.round(end - ahead) };
  };
  return {
    zoomOut: () => {
      // A range that ends now goes on ending now.
      const { from } = range;
      if (isLive(range) && from.kind === 'relative' && from.round === undefined) {
        setRange({ from: { kind: 'relative', offset: from.offset * 2 }, to: range.to });
      } else setSpan(clamp({ start: span.start - length / 2, end: span.end + length / 2 }));
    },
    zoomIn: () => {
      const { from } = range;
      if (isLive(range) && from.kind === 'relative' && from.round === undefined) {
        setRange({ from: { kind: 'relative', offset: Math.min(-1000, Math.round(from.offset / 2)) }, to: range.to });
      } else setSpan({ start: Math.round(span.start + length / 4), end: Math.round(span.end - length / 4) });
    },
    shift: (direction: -1 | 1) => {
      const by = (direction * length) / 2;
      setSpan({ start: Math.round(span.start + by), end: Math.round(span.end + by) });
    },
  };
}
