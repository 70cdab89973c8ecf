import { formatCount, plural } from '../../format/value';
import classes from './cardinality.module.css';

/** What happens if series cannot be told apart any more. */
export function Collision({ kept, of }: { kept: number; of: number }) {
  return (
    <p className={classes.caution}>
      <b>Caution:</b> only {formatCount(kept)} of {plural(of, 'series', 'series')} differ in other labels. The samples
      of the others would collide: one of each is stored, the rest is refused as duplicates. Drop the series, or have
      the application leave the label out.
    </p>
  );
}
