import type { ReactNode } from 'react';
import { useId } from 'react';
import { formatCount } from '../format/value';
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

interface PartProps {
  /** Empty if it needs none. */
  title: string;
  /** How many there are of what the title names. */
  count?: number;
  /** Names it for those who do not see it, if not the title does. */
  label?: string;
  children: ReactNode;
}

/** A titled part of a panel. */
export function Part({ title, count, label = title, children }: PartProps) {
  return (
    <section className={classes.part} aria-label={label}>
      {title !== '' && (
        <h3>
          {title} {count !== undefined && <span className="bw-count bw-dim">{formatCount(count)}</span>}
        </h3>
      )}
      {children}
    </section>
  );
}

/** Panels side by side where there is room. */
export function Columns({ children }: { children: ReactNode }) {
  return <div className={classes.columns}>{children}</div>;
}
