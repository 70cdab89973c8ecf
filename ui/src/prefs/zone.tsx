import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import type { Zone } from '../time/zone';
import { readStored, writeStored } from './stored';

const KEY = 'bellwether.zone';

const ZoneContext = createContext<{ zone: Zone; setZone(zone: Zone): void }>({
  zone: 'local',
  setZone: () => undefined,
});

/** Local time or UTC: chosen once, for all pages. */
export function ZoneProvider({ children }: { children: ReactNode }) {
  const [zone, setZone] = useState<Zone>(() => (readStored(KEY) === 'utc' ? 'utc' : 'local'));
  const value = useMemo(() => {
    const choose = (next: Zone) => {
      writeStored(KEY, next);
      setZone(next);
    };
    return { zone, setZone: choose };
  }, [zone]);
  return <ZoneContext value={value}>{children}</ZoneContext>;
}

export const useZone = () => useContext(ZoneContext);
