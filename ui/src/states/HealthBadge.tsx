import { IconCircleCheck, IconCircleX, IconHelpCircle } from '@tabler/icons-react';
import type { Health } from '../api/types';
import classes from './states.module.css';

const LOOKS = {
  up: { Icon: IconCircleCheck, look: classes.ok, word: 'Up' },
  down: { Icon: IconCircleX, look: classes.bad, word: 'Down' },
  unknown: { Icon: IconHelpCircle, look: classes.unknown, word: 'Unknown' },
} as const;

/** The state of a target by icon, word and colour. */
export function HealthBadge({ health }: { health: Health }) {
  const { Icon, look, word } = LOOKS[health] ?? LOOKS.unknown;
  return (
    <span className={`${classes.state} ${look}`}>
      <Icon size={14} aria-hidden="true" />
      {word}
    </span>
  );
}
