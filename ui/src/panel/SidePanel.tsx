import { ActionIcon } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './targets.module.css';

/** Details beside the list they belong to; over it where there is no room. */
export function SidePanel({ title, onClose, children }: { title: string; onClose(): void; children: ReactNode }) {
  return (
    <aside className={`bw-panel ${classes.side}`} aria-label={`Details of ${title}`}>
      <header className={classes.sideHead}>
        <h2 title={title}>{title}</h2>
        <ActionIcon aria-label="Close the details" onClick={onClose}>
          <IconX size={15} />
        </ActionIcon>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard */}
      <section className={classes.sideBody} tabIndex={0} aria-label="Details">
        {children}
      </section>
    </aside>
  );
}
