import { type Icon, IconBellOff, IconClockHour4, IconFlame, IconUserCheck } from '@tabler/icons-react';
import { type Look, StateWord } from './StateWord';

/** The signs of the states of alerts. */
const ICONS = { firing: IconFlame, pending: IconClockHour4, suppressed: IconBellOff } as const;

const LOOKS: Readonly<Record<string, { look: Look; icon?: Icon; word: string }>> = {
  firing: { look: 'bad', icon: ICONS.firing, word: 'Firing' },
  pending: { look: 'warn', icon: ICONS.pending, word: 'Pending' },
  suppressed: { look: 'unknown', icon: ICONS.suppressed, word: 'Suppressed' },
  acknowledged: { look: 'unknown', icon: IconUserCheck, word: 'Acknowledged' },
  inactive: { look: 'quiet', word: 'Inactive' },
};

/** The sign of a state alone, where there is no room for its word. */
export function AlertIcon({ state }: { state: keyof typeof ICONS }) {
  const StateIcon = ICONS[state];
  return <StateIcon size={13} aria-hidden="true" />;
}

/** The state of an alert, of its being taken over, or of an alerting rule by icon, word and colour. */
export function AlertBadge({ state }: { state: string }) {
  const { word, ...rest } = LOOKS[state] ?? { look: 'unknown', word: state };
  return <StateWord {...rest}>{word}</StateWord>;
}
