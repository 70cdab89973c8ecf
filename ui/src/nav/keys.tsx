import { createContext, type ReactNode, useContext, useEffect, useRef } from 'react';

/** What a key does, by its name (`r`, `/`, `ArrowLeft`) or by two in a row (`g e`). */
export type KeyBindings = Readonly<Record<string, () => void>>;

/** A sequence has to be finished within this time. */
const SEQUENCE_MS = 1200;

type Layers = Set<{ bindings: KeyBindings }>;

const KeysContext = createContext<Layers>(new Set());

/** Listens for keys on the whole page and asks the latest layer that knows one. */
export function KeysProvider({ children }: { children: ReactNode }) {
  const layers = useRef<Layers>(new Set());
  useEffect(() => {
    let prefix = { key: '', at: 0 };
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isBusy(event)) return;
      const fresh = event.timeStamp - prefix.at < SEQUENCE_MS;
      const names = fresh && prefix.key !== '' ? [`${prefix.key} ${event.key}`] : [event.key];
      const action = find(layers.current, names);
      prefix = { key: action === undefined ? event.key : '', at: event.timeStamp };
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
  return <KeysContext value={layers.current}>{children}</KeysContext>;
}

function find(layers: Layers, names: readonly string[]): (() => void) | undefined {
  for (const { bindings } of [...layers].reverse()) {
    for (const name of names) {
      const action = bindings[name];
      if (action !== undefined) return action;
    }
  }
  return undefined;
}

/** Whether the key belongs to what has the focus: a text field, a menu, a list, an open dialogue. */
function isBusy({ key, target }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest('input, textarea, select, [contenteditable="true"], [role="dialog"], [role="menu"]')) return true;
  const moves = key.startsWith('Arrow') || key === 'Enter';
  return moves && target.closest('[role="slider"], [role="tab"], [role="radio"], [role="option"], a, button') !== null;
}

/** Binds keys while the component is shown; later components win. */
export function useKeys(bindings: KeyBindings): void {
  const layers = useContext(KeysContext);
  const layer = useRef({ bindings });
  layer.current.bindings = bindings;
  useEffect(() => {
    const own = layer.current;
    layers.add(own);
    return () => void layers.delete(own);
  }, [layers]);
}

/** For the help: what the keys do, in groups. */
export const KEY_HELP: readonly { title: string; keys: readonly (readonly [keys: string, meaning: string])[] }[] = [
  {
    title: 'Go to',
    keys: [
      ['g h', 'Home'],
      ['g a', 'Alerts'],
      ['g s', 'SLOs'],
      ['g e', 'Explore'],
      ['g m', 'Metrics'],
      ['g l', 'Rules'],
      ['g q', 'Silences'],
      ['g o', 'Routing'],
      ['g n', 'Notifications'],
      ['g v', 'Receivers'],
      ['g y', 'Targets'],
      ['g b', 'Storage'],
      ['g c', 'Cardinality'],
      ['g p', 'Packs'],
      ['g u', 'Status'],
      ['Ctrl K', 'Search pages, rules, metrics, targets and actions'],
    ],
  },
  {
    title: 'Time',
    keys: [
      ['t', 'Choose a range'],
      ['+', 'Zoom in'],
      ['-', 'Zoom out'],
      ['←', 'Earlier'],
      ['→', 'Later'],
      ['r', 'Refresh'],
      ['y', 'Copy a link to what you see'],
    ],
  },
  {
    title: 'Lists',
    keys: [
      ['/', 'Filter'],
      ['j', 'Next row'],
      ['k', 'Previous row'],
      ['Enter', 'Open'],
      ['Esc', 'Close'],
    ],
  },
  {
    title: 'Alerts and silences',
    keys: [
      ['a', 'Acknowledge the alert that is open or chosen'],
      ['s', 'Silence it'],
      ['n', 'New silence'],
      ['x', 'Select the chosen silence'],
    ],
  },
  {
    title: 'Explore',
    keys: [
      ['Ctrl Enter', 'Run the query'],
      ['Shift Enter', 'New line'],
      ['v', 'Chart in full size'],
      ['← →', 'Move from value to value, with the chart focused'],
    ],
  },
  { title: 'Help', keys: [['?', 'This list']] },
];
