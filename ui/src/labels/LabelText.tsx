import { type Labels, pairs } from './labels';
import classes from './labels.module.css';

/** A series as people read it: the metric name, then its labels. Text nodes only, since all of it is foreign. */
export function LabelText({ labels, fallback = '{}' }: { labels: Labels; fallback?: string }) {
  const name = labels.__name__;
  const list = pairs(labels);
  if (name === undefined && list.length === 0) return <span className={classes.text}>{fallback}</span>;
  return (
    <span className={classes.text}>
      {name !== undefined && <span className={classes.metric}>{name}</span>}
      {list.map(([label, value]) => (
        <span key={label} className={classes.pair}>
          <span className={classes.name}>{label}</span>
          <span className={classes.equals}>=</span>
          <span className={classes.value}>{value === '' ? '""' : value}</span>
        </span>
      ))}
    </span>
  );
}

/** Labels as separate chips: on as many lines as they need, or `fading` out at the end of one. */
export function LabelChips({ labels, fading = false }: { labels: Labels; fading?: boolean }) {
  return (
    <span className={classes.chips} data-fading={fading || undefined}>
      {pairs(labels).map(([label, value]) => (
        <span key={label} className={classes.chip} title={`${label}="${value}"`}>
          <span className={classes.name}>{label}</span>
          <span className={classes.equals}>=</span>
          <span className={classes.value}>{value === '' ? '""' : value}</span>
        </span>
      ))}
    </span>
  );
}
