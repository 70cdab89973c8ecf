import type { ReactNode } from 'react';
import classes from './facts.module.css';

/** Figures side by side, each with its name. */
export function Facts({ label, children }: { label: string; children: ReactNode }) {
  return (
    <section className={`bw-panel ${classes.facts}`} aria-label={label}>
      <FactList>{children}</FactList>
    </section>
  );
}

/** The same without a frame. */
export function FactList({ children }: { children: ReactNode }) {
  return <dl className={classes.list}>{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export type FactTexts = readonly (readonly [name: string, text: ReactNode])[];

/** Facts below each other, names to the left. */
export function FactRows({ facts }: { facts: FactTexts }) {
  return (
    <dl className={classes.rows}>
      {facts.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
