import { type Icon, IconBellOff, IconClockHour4, IconFlame } from '@tabler/icons-react';
import { type Look, StateWord } from './StateWord';

const LOOKS: Readonly<Record<string, { look: Look; icon?: Icon; word: string }>> = {
  firing: { look: 'bad', icon: IconFlame, word: 'Firing' },
  pending: { look: 'warn', icon: IconClockHour4, word: 'Pending' },
  suppressed: { look: 'unknown', icon: IconBellOff, word: 'Suppressed' },
  inactive: { look: 'quiet', word: 'Inactive' },
};

/** The state of an alert or an alerting rule by icon, word and colour. */
export function AlertBadge({ state }: { state: string }) {
  const { word, ...rest } = LOOKS[state] ?? { look: 'unknown', word: state };
  return <StateWord {...rest}>{word}</StateWord>;
}
