import type { RelabelStep } from '../../api/types';
import { diffLabels } from '../../labels/diff';
import { Part } from '../../panel/Panel';
import { FateMark } from './LabelDiff';
import classes from './targets.module.css';

/** What each rule of the configuration did to this target's labels. */
export function RelabelSteps({ steps }: { steps: readonly RelabelStep[] }) {
  if (steps.length === 0) return null;
  return (
    <Part title="Rules, step by step">
      <ol className={classes.steps}>
        {steps.map((step, i) => (
          // Rules have no name; their order is their identity.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <li key={i}>
            <pre className={classes.rule}>{ruleText(step.rule)}</pre>
            <StepEffect step={step} />
          </li>
        ))}
      </ol>
    </Part>
  );
}

function StepEffect({ step }: { step: RelabelStep }) {
  if (step.dropped) {
    return (
      <p className={classes.effect}>
        <FateMark fate="dropped" /> The target ends here.
      </p>
    );
  }
  const changes = diffLabels(step.before ?? {}, step.after ?? {}).filter(({ fate }) => fate !== 'kept');
  if (changes.length === 0) return <p className={classes.effect}>No effect on this target.</p>;
  return (
    <ul className={classes.effects}>
      {changes.map(({ name, fate, before, after }) => (
        <li key={name} className={classes.effect}>
          <FateMark fate={fate} />
          <code>
            {name}
            {fate === 'changed' && `: ${before} → ${after}`}
            {fate === 'added' && `: ${after}`}
            {fate === 'dropped' && `: ${before}`}
          </code>
        </li>
      ))}
    </ul>
  );
}

/** A rule as text: as it was written, or field by field. */
export function ruleText(rule: unknown): string {
  if (typeof rule === 'string') return rule;
  if (typeof rule !== 'object' || rule === null) return String(rule);
  return Object.entries(rule)
    .filter(([, value]) => value !== null && value !== '')
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');
}
