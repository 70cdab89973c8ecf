import type { Icon } from '@tabler/icons-react';
import { IconBellOff, IconCircleCheck, IconClockHour4, IconFlame, IconHelpCircle } from '@tabler/icons-react';
import classes from './states.module.css';

const LOOKS: Readonly<Record<string, { Icon: Icon; look: string | undefined; word: string }>> = {
  firing: { Icon: IconFlame, look: classes.bad, word: 'Firing' },
  pending: { Icon: IconClockHour4, look: classes.warn, word: 'Pending' },
  suppressed: { Icon: IconBellOff, look: classes.unknown, word: 'Suppressed' },
  inactive: { Icon: IconCircleCheck, look: classes.ok, word: 'Inactive' },
};

/** The state of an alert or an alerting rule by icon, word and colour. */
export function AlertBadge({ state }: { state: string }) {
  const { Icon: BadgeIcon, look, word } = LOOKS[state] ?? { Icon: IconHelpCircle, look: classes.unknown, word: state };
  return (
    <span className={`${classes.state} ${look}`}>
      <BadgeIcon size={14} aria-hidden="true" />
      {word}
    </span>
  );
}
