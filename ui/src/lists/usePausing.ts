import { useEffect, useRef, useState } from 'react';

/** What depends on the text follows when the user pauses this long. */
const PAUSE_MS = 120;

/**
 * The text of a field whose value lives elsewhere and comes back late (in the URL). What is being typed always wins;
 * a value from outside is taken over once nothing of our own is on its way.
 */
export function usePausing(value: string, onChange: (value: string) => void) {
  const [text, setText] = useState(value);
  const [sent, setSent] = useState<string>();
  const latest = useRef(onChange);
  latest.current = onChange;
  if (sent === value) setSent(undefined);
  else if (sent === undefined && text !== value) setText(value);

  useEffect(() => {
    if (sent === undefined) return;
    const timer = setTimeout(() => latest.current(sent), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [sent]);

  const edit = (next: string) => {
    setText(next);
    setSent(next === value ? undefined : next);
  };
  return { text, edit };
}
