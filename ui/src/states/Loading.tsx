import classes from './states.module.css';

/** Holds the place of what is on its way, in its final size; shows itself only after 150 ms. */
export function Loading({ height, label = 'Loading' }: { height: number; label?: string }) {
  return (
    <div role="status" aria-label={label} aria-busy="true">
      <div className={classes.skeleton} style={{ height }} />
    </div>
  );
}
