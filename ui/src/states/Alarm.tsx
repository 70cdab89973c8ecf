import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './states.module.css';

interface AlarmProps {
  icon: Icon;
  title: string;
  look?: 'error' | 'warning' | 'note';
  children: ReactNode;
}

/** Something on the server that somebody has to know before anything else on the page. */
export function Alarm({ icon: AlarmIcon, title, look = 'error', children }: AlarmProps) {
  return (
    <section
      className={classes.alarm}
      data-look={look}
      role={look === 'error' ? 'alert' : undefined}
      aria-label={title}
    >
      <AlarmIcon size={18} aria-hidden="true" />
      <div>
        <h2>{title}</h2>
        {children}
      </div>
    </section>
  );
}
