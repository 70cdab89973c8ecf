import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconHelpCircle, IconInfoCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { PackWord } from '../api/packs';
import classes from './states.module.css';

const LOOKS = {
  ok: { Icon: IconCircleCheck, look: classes.ok, word: 'As promised' },
  warning: { Icon: IconAlertTriangle, look: classes.warn, word: 'Warnings' },
  error: { Icon: IconCircleX, look: classes.bad, word: 'Errors' },
  info: { Icon: IconInfoCircle, look: classes.unknown, word: 'Good to know' },
  none: { Icon: IconHelpCircle, look: classes.unknown, word: 'Not checked' },
} as const;

/** How a target or a pack fares by icon, word and colour; the word can be a more exact one. */
export function VerdictBadge({ verdict, text = '' }: { verdict: PackWord | 'info' | undefined; text?: ReactNode }) {
  const { Icon, look, word } = LOOKS[verdict ?? 'none'];
  return (
    <span className={`${classes.state} ${look}`}>
      <Icon size={14} aria-hidden="true" />
      <span>{text === '' ? word : text}</span>
    </span>
  );
}
