import { type Icon, IconInfoCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { PackWord } from '../api/packs';
import { type Look, StateWord } from './StateWord';

const LOOKS: Readonly<Record<PackWord | 'info' | 'none', { look: Look; icon?: Icon; word: string }>> = {
  ok: { look: 'ok', word: 'As promised' },
  warning: { look: 'warn', word: 'Warnings' },
  error: { look: 'bad', word: 'Errors' },
  info: { look: 'unknown', icon: IconInfoCircle, word: 'Good to know' },
  none: { look: 'unknown', word: 'Not checked' },
};

/** How a target or a pack fares by icon, word and colour; the word can be a more exact one. */
export function VerdictBadge({ verdict, text = '' }: { verdict: PackWord | 'info' | undefined; text?: ReactNode }) {
  const { word, ...rest } = LOOKS[verdict ?? 'none'];
  return <StateWord {...rest}>{text === '' ? word : text}</StateWord>;
}
