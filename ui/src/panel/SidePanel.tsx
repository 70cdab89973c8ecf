import { ActionIcon } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './sidePanel.module.css';

interface SplitProps {
  /** Whether there are details to make room for. */
  open: boolean;
  className?: string | undefined;
  /** The list, then its `SidePanel`. */
  children: ReactNode;
}

/** A list and, if one of its entries is open, the details beside it. */
export function Split({ open, className = '', children }: SplitProps) {
  return (
    <div className={`${classes.split} ${className}`} data-open={open || undefined}>
      {children}
    </div>
  );
}

/** Details beside the list they belong to; over it where there is no room. */
export function SidePanel({ title, onClose, children }: { title: string; onClose(): void; children: ReactNode }) {
  return (
    <aside className={`bw-panel ${classes.side}`} aria-label={`Details of ${title}`}>
      <header className={classes.head}>
        <h2 title={title}>{title}</h2>
        <ActionIcon aria-label="Close the details" onClick={onClose}>
          <IconX size={15} />
        </ActionIcon>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard */}
      <section className={classes.body} tabIndex={0} aria-label="Details">
        {children}
      </section>
    </aside>
  );
}
