import classes from './metrics.module.css';

/** The type of a metric as the exposition declared it. */
export function TypeBadge({ type }: { type: string }) {
  return (
    <span className={classes.type} data-type={type}>
      {type}
    </span>
  );
}
