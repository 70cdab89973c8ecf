import {
  type Icon,
  IconAlertTriangle,
  IconCircle,
  IconCircleCheck,
  IconCircleX,
  IconHelpCircle,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './states.module.css';

const ICONS = {
  ok: IconCircleCheck,
  warn: IconAlertTriangle,
  bad: IconCircleX,
  unknown: IconHelpCircle,
  /** As it mostly is: nothing to look at. */
  quiet: IconCircle,
} as const;

export type Look = keyof typeof ICONS;

interface StateWordProps {
  look: Look;
  /** Where another one says more than that of the look. */
  icon?: Icon;
  children: ReactNode;
}

/** How something fares, in a word of its own, with an icon and the colour of how good that is. */
export function StateWord({ look, icon: LookIcon = ICONS[look], children }: StateWordProps) {
  return (
    <span className={`${classes.state} ${classes[look]}`}>
      <LookIcon size={14} aria-hidden="true" />
      <span>{children}</span>
    </span>
  );
}
