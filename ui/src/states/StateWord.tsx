import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconHelpCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './states.module.css';

const LOOKS = {
  ok: { Icon: IconCircleCheck, look: classes.ok },
  warn: { Icon: IconAlertTriangle, look: classes.warn },
  bad: { Icon: IconCircleX, look: classes.bad },
  unknown: { Icon: IconHelpCircle, look: classes.unknown },
} as const;

/** How something fares, in a word of its own, with the icon and the colour of how good that is. */
export function StateWord({ look, children }: { look: keyof typeof LOOKS; children: ReactNode }) {
  const { Icon, look: style } = LOOKS[look];
  return (
    <span className={`${classes.state} ${style}`}>
      <Icon size={14} aria-hidden="true" />
      <span>{children}</span>
    </span>
  );
}
