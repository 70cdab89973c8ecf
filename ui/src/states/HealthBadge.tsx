import type { Health } from '../api/types';
import { StateWord } from './StateWord';

const LOOKS = {
  up: { look: 'ok', word: 'Up' },
  down: { look: 'bad', word: 'Down' },
  unknown: { look: 'unknown', word: 'Unknown' },
} as const;

/** The state of a target by icon, word and colour. */
export function HealthBadge({ health }: { health: Health }) {
  const { look, word } = LOOKS[health] ?? LOOKS.unknown;
  return <StateWord look={look}>{word}</StateWord>;
}
