import type { ReactNode } from 'react';
import { useId } from 'react';
import { Boundary } from '../states/Boundary';
import classes from './panel.module.css';

interface PanelProps {
  title: string;
  /** A short fact beside the title. */
  note?: ReactNode;
  actions?: ReactNode;
  /** The content reaches to the edges. */
  flush?: boolean;
  children: ReactNode;
}

/** A titled part of a page, whose failure stays its own. */
export function Panel({ title, note, actions, flush = false, children }: PanelProps) {
  const id = useId();
  return (
    <section className="bw-panel" aria-labelledby={id}>
      <header className={classes.head}>
        <h2 className={classes.title} id={id}>
          {title}
        </h2>
        {note !== undefined && <span className={classes.note}>{note}</span>}
        <span className={classes.spread} />
        {actions}
      </header>
      <div className={flush ? undefined : classes.body}>
        <Boundary what={`“${title}”`}>{children}</Boundary>
      </div>
    </section>
  );
}
