import { transport } from './client';

/** Whether the last request reached the server. */
let reachable = true;
const listeners = new Set<() => void>();

transport.onReachable((next) => {
  if (next === reachable) return;
  reachable = next;
  for (const listener of listeners) listener();
});

export const reachability = {
  get: () => reachable,
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
