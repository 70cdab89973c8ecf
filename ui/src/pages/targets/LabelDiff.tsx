import { IconArrowRight, IconEqual, IconMinus, IconPlus } from '@tabler/icons-react';
import { diffLabels, type Fate, isInternal, type LabelChange } from '../../labels/diff';
import type { Labels } from '../../labels/labels';
import { Part } from '../../panel/Panel';
import classes from './targets.module.css';

const SIGNS = {
  kept: { Icon: IconEqual, word: 'kept' },
  added: { Icon: IconPlus, word: 'added' },
  changed: { Icon: IconArrowRight, word: 'changed' },
  dropped: { Icon: IconMinus, word: 'dropped' },
} as const satisfies Record<Fate, unknown>;

/** Labels as discovered and as they are on every sample, side by side. */
export function LabelDiff({ before, after }: { before: Labels; after: Labels }) {
  const changes = diffLabels(before, after);
  const own = changes.filter(({ name }) => !isInternal(name));
  const internal = changes.filter(({ name }) => isInternal(name));
  return (
    <Part title="Labels before and after relabelling">
      <DiffTable changes={own} caption="Labels" />
      {internal.length > 0 && (
        <details>
          <summary className={classes.internal}>Labels for discovery only ({internal.length})</summary>
          <p className="bw-note">Names that begin with two underscores steer the scrape and are always dropped.</p>
          <DiffTable changes={internal} caption="Labels for discovery only" />
        </details>
      )}
    </Part>
  );
}

function DiffTable({ changes, caption }: { changes: readonly LabelChange[]; caption: string }) {
  if (changes.length === 0) return <p className="bw-note">None.</p>;
  return (
    <table className={classes.diffTable}>
      <caption className="bw-sr">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Label</th>
          <th scope="col">Discovered</th>
          <th scope="col">Final</th>
          <th scope="col">Fate</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr key={change.name} data-fate={change.fate}>
            <th scope="row">{change.name}</th>
            <td className={classes.before}>{shown(change.before)}</td>
            <td className={classes.after}>{shown(change.after)}</td>
            <td>
              <FateMark fate={change.fate} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const shown = (value: string | undefined) => (value === '' ? '""' : (value ?? ''));

export function FateMark({ fate }: { fate: Fate }) {
  const { Icon, word } = SIGNS[fate];
  return (
    <span className={classes.fate} data-fate={fate}>
      <Icon size={12} aria-hidden="true" />
      {word}
    </span>
  );
}
